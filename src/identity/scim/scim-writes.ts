import { Inject, Injectable } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import type { Config } from '../../config.ts'
import { Database, row, rows, type Tx } from '../../platform/database.ts'
import { violates } from '../../platform/database-errors.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { ScimRefusal } from '../../platform/scim-error.ts'
import { BrokerError } from '../../sdk/index.ts'
import { lockAdmins } from '../lock-out.ts'
import { counts } from '../membership.ts'
import type { ScimClient } from './scim-authentication.ts'

class LastAdmin extends BrokerError {
  constructor() {
    super('conflict', 'nobody would be left who is an active admin and can get in', { fix: 'make somebody else an admin first' })
  }
}

/** Where everything SCIM changes is changed: one change at a time, whole or not at all, and never the last admin's end. */
@Injectable()
export class ScimWrites {
  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** A change that is refused for the last admin's sake leaves a row in the audit trail, for somebody meant it. */
  async run<T>(client: ScimClient, subject: string, work: (tx: Tx) => Promise<T>): Promise<T> {
    try {
      return await this.database.transaction(async (tx) => {
        await rows(tx, `select pg_advisory_xact_lock(hashtext('latchkey:scim'))`)
        await lockAdmins(tx)
        const had = await this.hasAdmin(tx)
        const result = await work(tx)
        if (had && !(await this.hasAdmin(tx))) throw new LastAdmin()
        return result
      })
    } catch (error) {
      if (error instanceof LastAdmin) {
        await this.database.transaction((tx) =>
          record(tx, { kind: 'scim.refused', actor: client.actor, subject, data: { reason: 'last_admin' } }),
        )
      }
      throw asRefusal(error)
    }
  }

  private async hasAdmin(tx: Tx): Promise<boolean> {
    const found = await row(
      tx,
      `select from users u
       where u.state = 'active'
         and ('admin' = any(u.roles) or u.id in (
           select m.user_id from group_members m join role_groups r on r.group_id = m.group_id
           where r.role = 'admin' and ${counts('m', this.config.groupsFreshMinutes)}))
         and (exists (select from api_tokens t where t.user_id = u.id and t.revoked_at is null and t.expires_at > now())
           or exists (select from identities i where i.user_id = u.id))
       limit 1`,
    )
    return found !== undefined
  }
}

const TAKEN = {
  users_user_name_taken: 'userName',
  users_external_id_taken: 'externalId',
  groups_name_taken: 'displayName',
  groups_external_id_taken: 'externalId',
}

function asRefusal(error: unknown): unknown {
  const taken = Object.entries(TAKEN).find(([constraint]) => violates(error, constraint))
  if (!taken) return error
  return new ScimRefusal('uniqueness', `another one has this ${taken[1]}`, { cause: error, field: taken[1] })
}
