import { Injectable } from '@nestjs/common'
import { BROKER, record } from '../../audit/record.ts'
import type { AccessRule } from '../../contract/rules.ts'
import { type DueItem, enqueue, withdraw } from '../../platform/due/due-work.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { stagesOf } from '../stages/stages.ts'
import { REQUEST_WORK } from './request.ts'
import { move } from './transition.ts'

/** A pending request, its row locked. */
export interface Cancelled {
  readonly id: string
  readonly requesterId: string
  readonly stage: number
}

/** What happens to a request by itself while people do not: reminders, escalation, and its end. */
@Injectable()
export class Waiting {
  /** Another stage begins: its own clock, its own reminders. */
  async beginStage(tx: Tx, requestId: string, rule: AccessRule, stage: number): Promise<void> {
    await withdraw(tx, [REQUEST_WORK.escalate, REQUEST_WORK.remind], [requestId])
    const [begun] = await rows<{ since: Date; before: number }>(
      tx,
      `update access_requests q set stage = $2, stage_since = clock_timestamp(), escalated = false
       from (select id, stage from access_requests where id = $1) as old where q.id = old.id
       returning q.stage_since as since, old.stage as before`,
      [requestId, stage],
    )
    if (!begun) return
    if (begun.before !== stage) await record(tx, { kind: 'request.stage', actor: BROKER, subject: requestId, data: { stage } })
    await enqueue(tx, dueInStage(requestId, rule, stage, begun.since))
  }

  /** Ends requests that wait and whose reason to wait is gone; everybody concerned is told why. */
  async cancel(tx: Tx, requests: readonly Cancelled[], reason: string): Promise<void> {
    for (const { id, requesterId, stage } of requests) {
      await move(tx, id, 'cancel', { endReason: reason, data: { reason, requesterId, stage } })
    }
  }
}

/** What happens by itself in a stage that began then. */
export function dueInStage(requestId: string, rule: AccessRule, stage: number, since: Date): DueItem[] {
  const due = (kind: string, seconds: number | undefined): DueItem[] =>
    seconds ? [{ lane: 'background', kind, subject: requestId, at: new Date(since.getTime() + seconds * 1000) }] : []
  return [
    ...due(REQUEST_WORK.escalate, stagesOf(rule.approval)[stage]?.escalation?.afterSeconds),
    ...due(REQUEST_WORK.remind, rule.remindSeconds),
  ]
}
