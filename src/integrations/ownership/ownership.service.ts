import { Injectable, type OnModuleInit } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import type { ChangeKind } from '../../changes/change-kind.ts'
import { FourEyes } from '../../changes/four-eyes.ts'
import type { Held } from '../../changes/held.ts'
import { type Ownership, ownership } from '../../contract/ownership.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { findIntegration } from '../integration.ts'

/** Who answers for integrations and for the resources found through them. */
@Injectable()
export class Ownerships implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly fourEyes: FourEyes,
  ) {}

  onModuleInit(): void {
    this.fourEyes.register(this.owning)
  }

  async get(id: string): Promise<Ownership> {
    await findIntegration(this.database.pool, id)
    return read(this.database.pool, id)
  }

  set(caller: Caller, id: string, wanted: Ownership): Promise<Ownership | Held> {
    return this.fourEyes.submit(caller, this.owning, id, wanted)
  }

  private readonly owning: ChangeKind<Ownership, Ownership> = {
    kind: 'integration.own',
    roles: ['admin', 'owner'],
    parse: (body) => ownership.parse(body),
    summary: async (id, wanted) => {
      await this.get(id!)
      await this.mustExist(this.database.pool, wanted)
      return { ...wanted }
    },
    base: async (tx, id) => {
      await findIntegration(tx, id, 'for update')
      return { shown: { ...(await read(tx, id)) } }
    },
    prepare: async (by, id, wanted) => ({ write: (tx) => this.write(tx, by, id!, wanted) }),
  }

  private async write(tx: Tx, by: string, id: string, wanted: Ownership): Promise<Ownership> {
    await findIntegration(tx, id, 'for update')
    await this.mustExist(tx, wanted)
    if (!wanted.owners) await this.mustNotBeAsked(tx, id)
    await rows(tx, 'update integrations set owners = $2, resource_owner = $3, changed_at = now() where id = $1', [
      id,
      wanted.owners && JSON.stringify(wanted.owners),
      wanted.resourceOwner && JSON.stringify(wanted.resourceOwner),
    ])
    await record(tx, { kind: 'integration.owned', actor: by, subject: id, data: { ...wanted } })
    return read(tx, id)
  }

  private async mustExist(tx: Tx, { owners }: Ownership): Promise<void> {
    const missing = await row<{ id: string }>(
      tx,
      `select i.id from unnest($1::text[]) as i (id)
       where not exists (select 1 from users u where u.id = i.id) and not exists (select 1 from groups g where g.id = i.id)`,
      [[...(owners?.users ?? []), ...(owners?.groups ?? [])]],
    )
    if (missing) throw new BrokerError('input.invalid', `there is no ${missing.id}`, { field: 'owners' })
  }

  /** A flow that asks the owner must find one. */
  private async mustNotBeAsked(tx: Tx, id: string): Promise<void> {
    const flow = await row<{ name: string }>(
      tx,
      `select f.name from access_flows f join access_flow_versions v on v.flow_id = f.id and v.version = f.version
       where f.integration_id = $1 and f.active
         and jsonb_path_exists(v.rule, '$.approval.** ? (@.kind == "integration_owner" || @.kind == "resource_owner")')`,
      [id],
    )
    if (!flow) return
    throw new BrokerError('conflict', `the access flow ${flow.name} asks the owner of this integration`, {
      field: 'owners',
      fix: 'change that access flow first',
    })
  }
}

async function read(tx: Tx, id: string): Promise<Ownership> {
  const found = await row<Ownership>(tx, 'select owners, resource_owner as "resourceOwner" from integrations where id = $1', [id])
  return found!
}
