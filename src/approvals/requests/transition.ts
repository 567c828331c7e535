import type { DataOf } from '../../audit/kinds.ts'
import { type AuditEvent, BROKER, record } from '../../audit/record.ts'
import { withdraw } from '../../platform/due/due-work.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { REQUEST_WORK } from './request.ts'
import { type RequestEvent, type RequestState, requestMachine } from './request-machine.ts'

/** What the trail calls each event. */
const TOLD = {
  approve: 'request.approved',
  reject: 'request.rejected',
  cancel: 'request.cancelled',
  lapse: 'request.expired',
} as const satisfies Readonly<Record<RequestEvent, `request.${RequestState}`>>

interface Turn<Event extends RequestEvent> {
  /** `usr_…`; the broker itself when nobody did it */
  readonly actor?: string
  readonly approvedSeconds?: number
  /** why the broker ended it */
  readonly endReason?: string
  readonly data: DataOf<(typeof TOLD)[Event]>
}

/** The only update of a request's state: whether the event means anything is for the machine to say. Nothing is waited for any more. */
export async function move<Event extends RequestEvent>(
  tx: Tx,
  requestId: string,
  event: Event,
  turn: Turn<Event>,
): Promise<void> {
  const { from, to } = requestMachine.arrow(event)
  const moved = await rows(
    tx,
    `update access_requests set state = $3, approved_seconds = $4, end_reason = $5, decided_at = now(),
       sealed_input = case when $3 = 'approved' then sealed_input end
     where id = $1 and state = any($2) returning id`,
    [requestId, from, to, turn.approvedSeconds ?? null, turn.endReason ?? null],
  )
  if (moved.length === 0)
    throw new BrokerError('conflict', 'the request is already over', { fix: 'nothing needs to be decided any more' })
  await withdraw(tx, Object.values(REQUEST_WORK), [requestId])
  const told = { kind: TOLD[event], actor: turn.actor ?? BROKER, subject: requestId, data: turn.data }
  await record(tx, told as AuditEvent)
}
