import { BROKER, record } from '../../audit/record.ts'
import { withdraw } from '../../platform/due/due-work.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError, type Json } from '../../sdk/index.ts'
import { REQUEST_WORK } from './request.ts'
import { type RequestEvent, requestMachine } from './request-machine.ts'

interface Turn {
  /** `usr_…`; the broker itself when nobody did it */
  readonly actor?: string
  readonly approvedSeconds?: number
  /** why the broker ended it */
  readonly endReason?: string
  readonly data?: Readonly<Record<string, Json | undefined>>
}

/** The only update of a request's state: whether the event means anything is for the machine to say. Nothing is waited for any more. */
export async function move(tx: Tx, requestId: string, event: RequestEvent, turn: Turn = {}): Promise<void> {
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
  await record(tx, { kind: `request.${to}`, actor: turn.actor ?? BROKER, subject: requestId, data: turn.data ?? {} })
}
