import { Injectable } from '@nestjs/common'
import { BROKER, record } from '../audit/record.ts'
import type { AccessRule } from '../contract/access.ts'
import { rows, type Tx } from '../platform/database.ts'
import { enqueue, withdraw } from '../platform/due-work.ts'
import { stagesOf } from './stages.ts'

export const REQUEST_WORK = { lapse: 'request.lapse', escalate: 'request.escalate', remind: 'request.remind' } as const

/** What happens to a request by itself while people do not: reminders, escalation, and its end. */
@Injectable()
export class Waiting {
  /** A stage begins: its own clock, its own reminders. */
  async beginStage(tx: Tx, requestId: string, rule: AccessRule, stage: number): Promise<void> {
    await withdraw(tx, REQUEST_WORK.escalate, [requestId])
    await withdraw(tx, REQUEST_WORK.remind, [requestId])
    const moved = await rows<{ since: Date }>(
      tx,
      `update access_requests set stage = $2, stage_since = clock_timestamp(), escalated = false where id = $1
       returning stage_since as since`,
      [requestId, stage],
    )
    if (stage > 0) await record(tx, { kind: 'request.stage', actor: BROKER, subject: requestId, data: { stage } })
    const [begun] = moved
    if (!begun) return
    const after = (seconds: number) => new Date(begun.since.getTime() + seconds * 1000)
    const escalation = stagesOf(rule.approval)[stage]?.escalation
    await enqueue(tx, [
      ...(escalation
        ? [{ lane: 'background', kind: REQUEST_WORK.escalate, subject: requestId, at: after(escalation.afterSeconds) } as const]
        : []),
      ...(rule.remindSeconds
        ? [{ lane: 'background', kind: REQUEST_WORK.remind, subject: requestId, at: after(rule.remindSeconds) } as const]
        : []),
    ])
  }

  /** Nothing is waited for any more. */
  async over(tx: Tx, requestId: string): Promise<void> {
    for (const kind of Object.values(REQUEST_WORK)) await withdraw(tx, kind, [requestId])
  }
}
