import { Injectable } from '@nestjs/common'
import { type Caller, seesAll } from '../../identity/callers/caller.ts'
import type { Sight } from '../../integrations/resources/sight.ts'
import { Database, type Tx } from '../../platform/postgres/database.ts'
import { Flows } from '../flows/flows.service.ts'
import { mayRequest, type Requester } from '../rules/evaluate.ts'
import { Requesters } from './requesters.ts'

/** Which resources people are told of: those that one of their flows could give; all of them where they run or check the broker. */
@Injectable()
export class Sights {
  constructor(
    private readonly database: Database,
    private readonly flows: Flows,
    private readonly requesters: Requesters,
  ) {}

  /** `known` spares a look where the caller has been read already. */
  async of(caller: Caller, tx: Tx = this.database.pool, known?: Requester): Promise<Sight> {
    if (seesAll(caller)) return 'all'
    const requester = known ?? (await this.requesters.read(caller, tx)).requester
    return (await this.flows.allInForce(tx))
      .filter(({ rule }) => mayRequest(rule, requester))
      .map(({ integrationId, rule }) => ({
        integrationId,
        types: Object.keys({ ...rule.permissions, ...rule.actions }),
        selectors: rule.resources,
      }))
  }
}
