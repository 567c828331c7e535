import { Injectable, type OnModuleInit } from '@nestjs/common'
import { BROKER, record } from '../../audit/record.ts'
import type { NewApproval } from '../../contract/approvals.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import { type Hands, meet } from '../../identity/callers/hands.ts'
import { handsOf } from '../../identity/callers/hands-of.ts'
import { each, type Outcome } from '../../platform/due/due-lane.ts'
import { DueWork } from '../../platform/due/due-work.ts'
import { newId } from '../../platform/ids.ts'
import { Database, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { readDecisions, voidDecisions } from '../requests/approval.ts'
import {
  type AccessRequest,
  type AskedResource,
  escalatedIn,
  lockRequest,
  REQUEST_WORK,
  readRequestResources,
} from '../requests/request.ts'
import { type Subject, Subjects } from '../requests/subjects.ts'
import { move } from '../requests/transition.ts'
import { Waiting } from '../requests/waiting.ts'
import { Approvers, type Asked } from '../stages/approvers.ts'
import { approvedSeconds, decide, firstOpen, isRepeated, mayDecide } from '../stages/stages.ts'

/** Who says yes or no, takes a request back, or lets it lapse: one winner each time, the others are told. */
@Injectable()
export class Decisions implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly approvers: Approvers,
    private readonly waiting: Waiting,
    private readonly subjects: Subjects,
  ) {}

  onModuleInit(): void {
    const whilePending = (kind: string, act: (tx: Tx, request: AccessRequest) => Promise<Outcome>) =>
      this.work.handle('background', kind, (batch) =>
        each(batch, (work) =>
          this.database.transaction(async (tx) => {
            const request = await lockRequest(tx, work.subject)
            return request?.state === 'pending' ? act(tx, request) : 'done'
          }),
        ),
      )
    whilePending(REQUEST_WORK.lapse, async (tx, request) => {
      await move(tx, request.id, 'lapse', { data: {} })
      return 'done'
    })
    whilePending(REQUEST_WORK.escalate, async (tx, request) => {
      await rows(tx, 'update access_requests set escalated = true where id = $1', [request.id])
      await record(tx, { kind: 'request.escalated', actor: BROKER, subject: request.id, data: { stage: request.stage } })
      return 'done'
    })
    whilePending(REQUEST_WORK.remind, async (tx, request) => {
      await record(tx, { kind: 'request.reminded', actor: BROKER, subject: request.id, data: { stage: request.stage } })
      return (request.rule.remindSeconds ?? 3600) * 1000
    })
  }

  async decide(approver: Caller, id: string, approval: NewApproval): Promise<void> {
    await this.database.transaction(async (tx) => {
      const hands = await handsOf(tx, approver)
      const { request, subject, asked, resources } = await this.forApprover(tx, approver, hands, id)
      if (request.state !== 'pending') throw alreadyDecided(request)
      if (approval.seconds !== undefined && approval.seconds > request.seconds) {
        throw new BrokerError('input.invalid', `is longer than the ${request.seconds} seconds that were asked for`, {
          field: 'seconds',
          fix: `give ${request.seconds} seconds at most: an approver may shorten the access, but not lengthen it`,
        })
      }
      await voidDecisions(tx, id)
      const before = await readDecisions(tx, id)
      if (before.some((one) => one.stage === request.stage && one.approverId === approver.id)) {
        throw new BrokerError('conflict', 'you have already decided on this request', {
          fix: 'nothing is left for you to do: the other approvers decide now',
        })
      }
      if (approval.decision === 'approve' && isRepeated(asked, request.stage, before, hands)) throw approvedAlready()
      await this.note(tx, request, approver, hands, approval)
      const { decision, seconds: limit = null } = approval
      const all = [...before, { approverId: approver.id, hands, decision, stage: request.stage, seconds: limit }]
      // Who may decide was asked just now, not when the request was made or an earlier decision was noted.
      const event = decide(asked, request.stage, all)
      if (event === undefined) return
      // Forward, or back to a stage that was agreed to by somebody who may not decide there any more.
      const open = event === 'approve' ? firstOpen(asked, all) : undefined
      if (open !== undefined) {
        await this.waiting.beginStage(tx, id, request.rule, open)
        return
      }
      const seconds = approvedSeconds(request.seconds, all)
      const { reason } = approval
      if (event === 'reject') {
        await move(tx, id, event, { actor: approver.id, data: { reason } })
        return
      }
      if (request.isAskedByLeaver) throw askedByLeaver()
      await move(tx, id, event, { actor: approver.id, approvedSeconds: seconds, data: { seconds, reason } })
      await subject.mustHold(tx, request, resources)
      await subject.carryOut(tx, request, seconds, resources)
    })
    this.work.wake('provision')
  }

  async cancel(caller: Caller, id: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const request = await lockRequest(tx, id)
      if (request?.requesterId !== caller.id) throw noSuchRequest(id)
      if (request.state !== 'pending') throw alreadyDecided(request)
      await move(tx, id, 'cancel', { actor: caller.id, data: {} })
    })
  }

  /** The request, for somebody who may decide on it now; to everybody else it is not there, and its maker is told why. */
  private async forApprover(
    tx: Tx,
    approver: Caller,
    hands: Hands,
    id: string,
  ): Promise<{ request: AccessRequest; subject: Subject; asked: Asked; resources: readonly AskedResource[] }> {
    const request = await lockRequest(tx, id)
    if (!request) throw noSuchRequest(id)
    const subject = this.subjects.of(request)
    const users = await subject.users(tx, request)
    if (meet(hands, [...request.hands, ...users])) {
      throw new BrokerError(
        'access.self_approval',
        'You cannot decide your own request, nor one that was made or opened with a token you created.',
        { fix: 'wait for one of the other approvers' },
      )
    }
    const resources = await readRequestResources(tx, id)
    const asked = await this.approvers.of({ ...request, resources }, escalatedIn(request), tx)
    const stage = asked.stages[request.stage]
    if (!stage || !mayDecide(stage, approver.id)) throw noSuchRequest(id)
    return { request, subject, asked, resources }
  }

  private async note(tx: Tx, request: AccessRequest, approver: Caller, hands: Hands, approval: NewApproval): Promise<void> {
    const { decision, reason, seconds = null } = approval
    await rows(
      tx,
      `insert into approvals (id, request_id, stage, approver_id, decision, reason, seconds, hands, done_with)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [newId('apr'), request.id, request.stage, approver.id, decision, reason, seconds, hands, approver.cameWith],
    )
    await record(tx, {
      kind: 'approval.noted',
      actor: approver.id,
      subject: request.id,
      data: { stage: request.stage, decision: approval.decision, reason: approval.reason, seconds: approval.seconds },
    })
  }
}

export const noSuchRequest = (id: string) => new BrokerError('not_found', `there is no access request ${id} of yours`)

const approvedAlready = () =>
  new BrokerError(
    'access.same_person',
    'You have approved this request already, or somebody did with a token that you, or the person who made your token, created.',
    { fix: 'let another person approve it' },
  )

const askedByLeaver = () =>
  new BrokerError(
    'conflict',
    'this cannot be approved: the requester, or a person who could act as the requester, has been disabled since',
    {
      fix: 'reject it; the requester can ask again',
    },
  )

const alreadyDecided = (request: AccessRequest) =>
  new BrokerError('conflict', `the request is already ${request.state}`, { fix: 'nothing needs to be decided any more' })
