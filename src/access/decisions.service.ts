import { Injectable, type OnModuleInit } from '@nestjs/common'
import { BROKER, record } from '../audit/record.ts'
import type { NewApproval } from '../contract/access.ts'
import { Extensions } from '../grants/extensions.ts'
import { Provisioning } from '../grants/provisioning.ts'
import type { Caller } from '../identity/caller.ts'
import { Database, row, rows, type Tx } from '../platform/database.ts'
import { each } from '../platform/due-lane.ts'
import { DueWork, withdraw } from '../platform/due-work.ts'
import { newId } from '../platform/ids.ts'
import { BrokerError } from '../sdk/index.ts'
import { approvedSeconds, type Decision, decide } from './decide.ts'
import { Flows } from './flows.service.ts'
import { type AccessRequest, lockRequest, readRequestResources } from './request.ts'
import { type RequestEvent, requestMachine } from './request-machine.ts'
import { inputOf, neededFor, REQUEST_LAPSES, Requests } from './requests.service.ts'

/** Who says yes or no, takes a request back, or lets it lapse: one winner each time, the others are told. */
@Injectable()
export class Decisions implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly flows: Flows,
    private readonly requests: Requests,
    private readonly provisioning: Provisioning,
    private readonly extensions: Extensions,
  ) {}

  onModuleInit(): void {
    this.work.handle('background', REQUEST_LAPSES, (batch) =>
      each(batch, async (work) => {
        await this.database.transaction(async (tx) => {
          const request = await lockRequest(tx, work.subject)
          if (request?.state === 'pending') await this.move(tx, request, 'lapse', BROKER, {})
        })
        return 'done'
      }),
    )
  }

  async decide(approver: Caller, id: string, approval: NewApproval): Promise<void> {
    await this.database.transaction(async (tx) => {
      const request = await this.forApprover(tx, approver, id)
      if (request.state !== 'pending') throw alreadyDecided(request)
      if (approval.seconds !== undefined && approval.seconds > request.seconds) {
        throw new BrokerError('input.invalid', `is longer than the ${request.seconds} seconds asked for`, {
          field: 'seconds',
          fix: 'an approver may shorten, never lengthen',
        })
      }
      await this.note(tx, request, approver, approval)
      const flow = await this.flowOf(tx, request)
      // Whoever may decide is asked now, not when the request was made or when the decision was noted.
      const eligible = new Set((await this.requests.approvers(flow, request.requesterId)).map((person) => person.id))
      const decisions = await rows<Decision>(
        tx,
        'select approver_id as "approverId", decision, seconds from approvals where request_id = $1',
        [id],
      )
      const event = decide(decisions, eligible, neededFor(flow))
      if (!event) return
      const seconds = approvedSeconds(request.seconds, decisions, eligible)
      await this.move(tx, request, event, approver.id, {
        seconds: event === 'approve' ? seconds : undefined,
        reason: approval.reason,
      })
      if (event === 'approve') await this.carryOut(tx, request, seconds)
    })
    this.work.wake('provision')
  }

  async cancel(caller: Caller, id: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const request = await lockRequest(tx, id)
      if (request?.requesterId !== caller.id) throw noSuchRequest(id)
      if (request.state !== 'pending') throw alreadyDecided(request)
      await this.move(tx, request, 'cancel', caller.id, {})
    })
  }

  /** The request, for somebody who may decide on it now; to everybody else it is not there, and its maker is told why. */
  private async forApprover(tx: Tx, approver: Caller, id: string): Promise<AccessRequest> {
    const request = await lockRequest(tx, id)
    if (!request) throw noSuchRequest(id)
    // A token one made for somebody else is one's own hand as well.
    if (request.requesterId === approver.id || request.requesterId === approver.tokenMadeBy) {
      throw new BrokerError(
        'access.self_approval',
        'nobody decides on their own request, nor by a token they made for somebody else',
        {
          fix: 'wait for one of the approvers',
        },
      )
    }
    const approvers = await this.requests.approvers(await this.flowOf(tx, request), request.requesterId)
    if (!approvers.some((person) => person.id === approver.id)) throw noSuchRequest(id)
    return request
  }

  private async flowOf(tx: Tx, request: AccessRequest) {
    return { rule: await this.flows.pinned(tx, request.flowId, request.flowVersion) }
  }

  private async note(tx: Tx, request: AccessRequest, approver: Caller, approval: NewApproval): Promise<void> {
    const noted = await rows(
      tx,
      `insert into approvals (id, request_id, approver_id, decision, reason, seconds) values ($1, $2, $3, $4, $5, $6)
       on conflict (request_id, stage, approver_id) do nothing returning id`,
      [newId('apr'), request.id, approver.id, approval.decision, approval.reason, approval.seconds ?? null],
    )
    if (noted.length === 0)
      throw new BrokerError('conflict', 'you have decided on this request already', { fix: 'wait for the other approvers' })
    await record(tx, {
      kind: 'approval.noted',
      actor: approver.id,
      subject: request.id,
      data: { decision: approval.decision, reason: approval.reason, seconds: approval.seconds },
    })
  }

  private async move(
    tx: Tx,
    request: AccessRequest,
    event: RequestEvent,
    actor: string,
    data: { seconds?: number | undefined; reason?: string },
  ): Promise<void> {
    const to = requestMachine.next(request.state, event)
    if (!to) throw alreadyDecided(request)
    await rows(tx, `update access_requests set state = $2, approved_seconds = $3, decided_at = now() where id = $1`, [
      request.id,
      to,
      data.seconds ?? null,
    ])
    await withdraw(tx, REQUEST_LAPSES, [request.id])
    await record(tx, { kind: `request.${to}`, actor, subject: request.id, data })
  }

  private async carryOut(tx: Tx, request: AccessRequest, seconds: number): Promise<void> {
    const requester = await row<{ state: string }>(tx, 'select state from users where id = $1', [request.requesterId])
    if (requester?.state !== 'active') {
      throw new BrokerError('conflict', 'the requester has been disabled meanwhile', { fix: 'reject the request' })
    }
    if (request.extendsGrantId) {
      await this.extensions.extend(tx, request.extendsGrantId, seconds, request.id)
      return
    }
    const resources = await readRequestResources(tx, request.id)
    const gone = resources.find((resource) => resource.gone || resource.ungrantable !== null)
    if (gone) {
      throw new BrokerError(
        'access.ungrantable',
        `${gone.name} cannot be granted any more: ${gone.ungrantable ?? 'it is gone'}`,
        {
          fix: 'reject the request',
        },
      )
    }
    await this.provisioning.order(tx, {
      requestId: request.id,
      integrationId: request.integrationId,
      granteeId: request.requesterId,
      seconds,
      delivery: request.delivery,
      input: inputOf({ resources }),
    })
  }
}

export const noSuchRequest = (id: string) => new BrokerError('not_found', `there is no access request ${id} of yours`)

const alreadyDecided = (request: AccessRequest) =>
  new BrokerError('conflict', `the request is ${request.state} already`, { fix: 'nothing is left to decide' })
