import { Injectable, type OnModuleInit } from '@nestjs/common'
import { grantAccessOf } from '../../actions/action-of.ts'
import { Journal } from '../../actions/journal.ts'
import { targetsOf } from '../../actions/run-facts.ts'
import { ActionRunner } from '../../actions/runner.ts'
import { isSameTarget, whoAnswers } from '../../actions/whereabouts.ts'
import type { Connection } from '../../integrations/connections/connections.ts'
import { Moves } from '../../integrations/moves.ts'
import { Database } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { selectGrants } from '../grant.ts'

/** Proves that a system is the one where grants live: it names itself as it did, and each of them stands there as it was made. */
@Injectable()
export class SameSystemProof implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly journal: Journal,
    private readonly runner: ActionRunner,
    private readonly moves: Moves,
  ) {}

  onModuleInit(): void {
    this.moves.provedBy((at, grants) => this.prove(at, grants))
  }

  private async prove(connection: Connection, ids: readonly string[]): Promise<void> {
    const here = await whoAnswers(connection)
    const grants = await selectGrants(this.database.pool, 'g.id = any($1)', [ids])
    const targets = await targetsOf(
      this.database.pool,
      grants.map(({ runId }) => runId),
    )
    for (const id of ids) {
      const grant = grants.find((each) => each.id === id)
      if (grant?.state !== 'active') throw new BrokerError('conflict', `${id} is ${grant?.state ?? 'unfinished'}`)
      if (!here || !isSameTarget(targets.get(grant.runId), here))
        throw new BrokerError('target.moved', 'a different system answers there')
      const steps = await this.journal.steps(this.database.pool, grant.runId)
      const context = this.runner.context(connection, grant.runId, { isOurs: () => true }, grant.targetUntil ?? undefined)
      const evidence = (await grantAccessOf(connection).verify?.({ ...context, firsthand: true }, steps)) ?? []
      if (evidence.length === 0 || evidence.some(({ holds }) => !holds))
        throw new BrokerError('target.moved', `${id} is not there`)
    }
  }
}
