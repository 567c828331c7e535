import { TimeLeft } from '../platform/pacing/time-left.ts'
import { row, rows, type Tx } from '../platform/postgres/database.ts'
import type { ExpiryGuarantee, Json } from '../sdk/index.ts'
import type { GrantState } from './grant-machine.ts'

export type EndReason = 'expired' | 'given_back' | 'revoked' | 'reported' | 'failed' | 'grantee_disabled' | 'token_maker_disabled'

/** A grant as its row says. */
export interface Grant {
  readonly id: string
  readonly requestId: string
  readonly integrationId: string
  readonly granteeId: string
  readonly runId: string
  readonly state: GrantState
  /** how its credential is handed over */
  readonly delivery: string
  readonly guarantee: ExpiryGuarantee | null
  readonly seconds: number
  readonly beginsAt: Date | null
  readonly expiresAt: Date | null
  /** the end that was last written into the target */
  readonly targetUntil: Date | null
  readonly extensions: number
  readonly endReason: EndReason | null
  readonly endedBy: string | null
  readonly endNote: string | null
  readonly revokingAt: Date | null
  readonly cutAt: Date | null
  readonly endedAt: Date | null
  readonly receipt: Json
  readonly error: Json
  /** of one that could not be set up: why, kept when it is over */
  readonly failure: Json
  readonly createdAt: Date
}

/** SQL: a grant as it is read, of `g`. */
export const GRANT_COLUMNS = `g.id, g.request_id as "requestId", g.integration_id as "integrationId", g.grantee_id as "granteeId",
  g.run_id as "runId", g.state, g.delivery, g.guarantee, g.seconds, g.begins_at as "beginsAt", g.expires_at as "expiresAt",
  g.target_until as "targetUntil", g.extensions, g.end_reason as "endReason", g.ended_by as "endedBy", g.end_note as "endNote",
  g.revoking_at as "revokingAt", g.cut_at as "cutAt", g.ended_at as "endedAt", g.receipt, g.error, g.failure, g.created_at as "createdAt"`

/** Reads grants by a condition on `g`. */
export function selectGrants(tx: Tx, condition: string, values: readonly unknown[]): Promise<Grant[]> {
  return rows<Grant>(tx, `select ${GRANT_COLUMNS} from grants g where ${condition}`, values)
}

/** The grant, its row locked until the transaction ends. */
export async function lockGrant(tx: Tx, id: string): Promise<Grant | undefined> {
  return (await selectGrants(tx, 'g.id = $1 for update', [id]))[0]
}

/** SQL: what is left of a grant, in milliseconds. */
export const MS_LEFT = '(extract(epoch from expires_at - clock_timestamp()) * 1000)::float'

/** Undefined for a grant that has no end yet. */
export async function timeLeft(tx: Tx, id: string): Promise<TimeLeft | undefined> {
  const readAt = performance.now()
  const end = await row<{ at: Date; msLeft: number }>(
    tx,
    `select expires_at as at, ${MS_LEFT} as "msLeft" from grants where id = $1 and expires_at is not null`,
    [id],
  )
  return end && new TimeLeft(end.at, end.msLeft, readAt)
}

/** Names of the due work that moves grants. */
export const GRANT_WORK = {
  provision: 'grant.provision',
  /** at its expiry, or at once when ended early: power is taken away */
  end: 'grant.end',
  /** everything else is removed, and absence is proved */
  clean: 'grant.clean',
  /** a moved end is written into the target */
  extend: 'grant.extend',
  /** somebody acted for a run that had been taken over: undo once more */
  recheck: 'grant.recheck',
  /** every live grant of an integration ends */
  endAll: 'integration.end-access',
} as const

export const grantIdOf = (requestId: string) => `grt_${requestId.slice(4)}`
export const requestIdOf = (grantId: string) => `req_${grantId.slice(4)}`
export const runIdOf = (requestId: string) => `run_${requestId.slice(4)}`
