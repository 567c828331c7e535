import type { DataOf } from '../audit/kinds.ts'
import { type AuditEvent, BROKER, record } from '../audit/record.ts'
import type { RevocationReceipt } from '../contract/grants.ts'
import type { Hands } from '../identity/callers/hands.ts'
import { rows, type Tx } from '../platform/postgres/database.ts'
import type { ExpiryGuarantee } from '../sdk/index.ts'
import { type EndReason, GRANT_COLUMNS, type Grant } from './grant.ts'
import { type GrantEvent, type GrantState, grantMachine } from './grant-machine.ts'

/** What the trail calls each event. */
const TOLD = {
  start: 'grant.provisioning',
  provisioned: 'grant.active',
  end: 'grant.revoking',
  overdue: 'grant.stuck',
  gone_expired: 'grant.expired',
  gone_revoked: 'grant.revoked',
  gone_failed: 'grant.failed',
  write_off: 'grant.written_off',
} as const satisfies Readonly<Record<GrantEvent, `grant.${GrantState}`>>

/** One grant and what happens to it. */
export interface Turn<Event extends GrantEvent> {
  readonly id: string
  /** what the event writes beside the state */
  readonly given?: Given
  /** what the trail says of it, of the grant as it is then */
  readonly data: (grant: Grant) => DataOf<(typeof TOLD)[Event]>
}

interface Given {
  readonly guarantee?: ExpiryGuarantee
  readonly endReason?: EndReason
  readonly endedBy?: string
  readonly endNote?: string | undefined
  readonly endedHands?: Hands | undefined
  readonly endedWith?: string | undefined
  readonly failure?: object | undefined
  readonly receipt?: RevocationReceipt
  readonly endedAt?: Date
}

const IS_GONE = ', receipt = d.receipt, ended_at = clock_timestamp(), error = null'
const WRITES: Readonly<Record<GrantEvent, string>> = {
  start: '',
  provisioned: ', guarantee = d.guarantee, target_until = g.expires_at, error = null',
  end: `, end_reason = d."endReason", ended_by = d."endedBy", end_note = d."endNote", ended_hands = d."endedHands",
    ended_with = d."endedWith", failure = d.failure, revoking_at = clock_timestamp()`,
  overdue: '',
  gone_expired: IS_GONE,
  gone_revoked: IS_GONE,
  gone_failed: IS_GONE,
  write_off: ', receipt = d.receipt, ended_at = d."endedAt"',
}

/**
 * The only update of a grant's state: whether the event means anything is for the machine to say. Answers the grants that it moved, as
 * they are now; each has its row in the trail.
 */
export async function move<Event extends GrantEvent>(
  tx: Tx,
  event: Event,
  turns: readonly Turn<Event>[],
  actor = BROKER,
): Promise<Grant[]> {
  if (turns.length === 0) return []
  const { from, to } = grantMachine.arrow(event)
  const moved = await rows<Grant>(
    tx,
    `update grants g set state = $2${WRITES[event]}
     from jsonb_to_recordset($1::jsonb) as d (id text, guarantee text, "endReason" text, "endedBy" text, "endNote" text,
       "endedHands" text[], "endedWith" text, failure jsonb, receipt jsonb, "endedAt" timestamptz)
     where g.id = d.id and g.state = any($3) returning ${GRANT_COLUMNS}`,
    [JSON.stringify(turns.map(({ id, given }) => ({ id, ...given }))), to, from],
  )
  const now = new Map(moved.map((grant) => [grant.id, grant]))
  const told = turns.flatMap(({ id, data }) => {
    const grant = now.get(id)
    return grant ? [{ kind: TOLD[event], actor, subject: id, data: data(grant) } as AuditEvent] : []
  })
  await record(tx, ...told)
  return told.map(({ subject }) => now.get(subject)!)
}
