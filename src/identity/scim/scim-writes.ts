import { Injectable } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import { ScimRefusal } from '../../platform/http/scim-error.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { violates } from '../../platform/postgres/database-errors.ts'
import { BrokerError } from '../../sdk/index.ts'
import { Directory, LastAdmin } from '../directory/directory.ts'
import { SEEN_BY_LEAVERS } from '../directory/scim-tokens-in-hand.ts'
import { NeverSignedIn, NotLinked, noteNotLinked } from './not-linked.ts'
import type { ScimClient } from './scim-authentication.ts'

/** Where everything SCIM changes is changed: one change at a time, whole or not at all, and never the last admin's end. */
@Injectable()
export class ScimWrites {
  constructor(
    private readonly database: Database,
    private readonly directory: Directory,
  ) {}

  /** A change that is refused for the last admin's sake leaves a row in the audit trail, for somebody meant it. */
  async run<T>(client: ScimClient, subject: string, work: (tx: Tx, mayGive: MayGive) => Promise<T>): Promise<T> {
    try {
      return await this.database.transaction(async (tx) => {
        await lockScim(tx)
        return this.directory.keepingAnAdmin(tx, client.actor, async () => work(tx, await mayGive(tx, client)))
      })
    } catch (error) {
      const reason = whyRefused(error)
      if (reason) {
        await this.database.transaction((tx) =>
          record(tx, { kind: 'scim.refused', actor: client.actor, subject, data: { reason } }),
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

/** As the trail says it; undefined for what somebody may well ask for. */
function whyRefused(error: unknown): string | undefined {
  if (error instanceof SeenByLeaver) return 'maker_left'
  if (error instanceof LastAdmin) return 'last_admin'
  return error instanceof NeverSignedIn ? 'never_signed_in' : undefined
}

/** Whether what the caller does may give somebody something: a token that a leaver has seen takes away, and gives nothing. */
export type MayGive = boolean

/** A leaver may have the token in hand: it deactivates and removes until it is rotated, and nothing else. */
export class SeenByLeaver extends BrokerError {
  constructor() {
    super(
      'auth.forbidden',
      'this SCIM token can only take access away, because an admin who has seen it has left or is no longer an admin',
      {
        fix: 'ask another admin to rotate it (POST /api/scim-tokens/:id/rotate), and put the new one into the identity provider’s SCIM connector',
      },
    )
  }
}

async function mayGive(tx: Tx, { actor }: ScimClient): Promise<MayGive> {
  const token = await row<{ seen: boolean }>(tx, `select ${SEEN_BY_LEAVERS} as seen from scim_tokens t where t.id = $1`, [
    actor.slice('scim:'.length),
  ])
  return token?.seen === false
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
  return new ScimRefusal('uniqueness', `another record has this ${taken[1]}`, { cause: error, field: taken[1] })
}
