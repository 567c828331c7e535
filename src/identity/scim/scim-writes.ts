import { Injectable } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import { ScimRefusal } from '../../platform/http/scim-error.ts'
import { Database, rows, type Tx } from '../../platform/postgres/database.ts'
import { violates } from '../../platform/postgres/database-errors.ts'
import { Directory, LastAdmin } from '../directory/directory.ts'
import { NotLinked, noteNotLinked } from './not-linked.ts'
import type { ScimClient } from './scim-authentication.ts'

/** Where everything SCIM changes is changed: one change at a time, whole or not at all, and never the last admin's end. */
@Injectable()
export class ScimWrites {
  constructor(
    private readonly database: Database,
    private readonly directory: Directory,
  ) {}

  /** A change that is refused for the last admin's sake leaves a row in the audit trail, for somebody meant it. */
  async run<T>(client: ScimClient, subject: string, work: (tx: Tx) => Promise<T>): Promise<T> {
    try {
      return await this.database.transaction(async (tx) => {
        await lockScim(tx)
        return this.directory.keepingAnAdmin(tx, work)
      })
    } catch (error) {
      if (error instanceof LastAdmin) {
        await this.database.transaction((tx) =>
          record(tx, { kind: 'scim.refused', actor: client.actor, subject, data: { reason: 'last_admin' } }),
        )
      }
      if (error instanceof NotLinked) {
        const { other, ...fact } = error.fact
        await this.database.transaction((tx) => noteNotLinked(tx, client.actor, other, { ...fact, other: null }))
      }
      throw asRefusal(error)
    }
  }
}

/** One change of SCIM's at a time, and no sign-in beside it. To be taken before anything else. */
export async function lockScim(tx: Tx): Promise<void> {
  await rows(tx, `select pg_advisory_xact_lock(hashtext('latchkey:scim'))`)
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
