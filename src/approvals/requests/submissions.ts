import { Inject, Injectable } from '@nestjs/common'
import type { DataOf } from '../../audit/kinds.ts'
import { record } from '../../audit/record.ts'
import type { Config } from '../../config/config.ts'
import type { RequestKind } from '../../contract/requests.ts'
import type { AccessRule } from '../../contract/rules.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import type { Hands } from '../../identity/callers/hands.ts'
import { enqueue } from '../../platform/due/due-work.ts'
import { newId } from '../../platform/ids.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { Approvers, type Asked } from '../stages/approvers.ts'
import {
  type AskedAction,
  type AskedResource,
  type FieldValues,
  lockRequest,
  type PlannedStep,
  REQUEST_WORK,
  readRequestResources,
} from './request.ts'
import { Subjects } from './subjects.ts'
import { move } from './transition.ts'
import { dueInStage } from './waiting.ts'

/** What somebody asks for, and the version of the flow that lets them. */
export interface Submission {
  readonly id: string
  readonly kind: RequestKind
  readonly flow: {
    readonly id: string
    readonly name: string
    readonly version: number
    readonly integrationId: string
    readonly rule: AccessRule
  }
  readonly caller: Pick<Caller, 'id' | 'tokenMakers' | 'cameWith'>
  readonly hands: Hands
  readonly ask: {
    readonly resources: readonly Pick<AskedResource, 'id' | 'name' | 'permissions'>[]
    readonly seconds: number
    readonly justification: string
    readonly fields: FieldValues
  }
  readonly bundleId: string | null
  readonly extendsGrantId: string | null
  readonly plan: readonly PlannedStep[] | null
  /** of a request for an action */
  readonly action?: { readonly shown: AskedAction; readonly sealedInput: string }
}

/** Writes a request down, with everything that has to happen to it by itself. */
@Injectable()
export class Submissions {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly approvers: Approvers,
    private readonly subjects: Subjects,
  ) {}

  /** In the requester's transaction. One that needs nobody is approved in it. */
  async submit(tx: Tx, submission: Submission, asked: Asked): Promise<void> {
    const { id, flow } = submission
    const { expiresAt, since } = await this.insert(tx, submission)
    await record(tx, {
      kind: 'request.submitted',
      actor: submission.caller.id,
      subject: id,
      data: await this.facts(tx, submission),
    })
    if (asked.stages.length === 0) {
      await this.approveAtOnce(tx, submission)
      return
    }
    await enqueue(tx, [
      { lane: 'background', kind: REQUEST_WORK.lapse, subject: id, at: expiresAt },
      ...dueInStage(id, flow.rule, 0, since),
    ])
  }

  private async insert(tx: Tx, submission: Submission): Promise<{ expiresAt: Date; since: Date }> {
    const { id, kind, flow, caller, hands, ask, bundleId, extendsGrantId, plan, action } = submission
    const inserted = await row<{ expiresAt: Date; since: Date }>(
      tx,
      `insert into access_requests (id, kind, flow_id, flow_version, integration_id, requester_id, state, seconds, justification, delivery,
         extends_grant_id, bundle_id, fields, emergency, token_makers, hands, done_with, plan, expires_at, action, sealed_input)
       values ($1, $18, $2, $3, $4, $5, 'pending', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, now() + make_interval(secs => $17), $19, $20)
       returning expires_at as "expiresAt", stage_since as since`,
      [
        id,
        flow.id,
        flow.version,
        flow.integrationId,
        caller.id,
        ask.seconds,
        ask.justification,
        flow.rule.delivery,
        extendsGrantId,
        bundleId,
        JSON.stringify(ask.fields),
        flow.rule.approval.kind === 'emergency',
        caller.tokenMakers,
        hands,
        caller.cameWith,
        plan && JSON.stringify(plan),
        flow.rule.pendingSeconds ?? this.config.pendingHours * 3600,
        kind,
        action ? JSON.stringify(action.shown) : null,
        action?.sealedInput ?? null,
      ],
    )
    await mustStand(tx, flow)
    await rows(
      tx,
      `insert into access_request_resources (request_id, resource_id, permissions)
       select $1, r.id, r.permissions from jsonb_to_recordset($2::jsonb) as r (id text, permissions text[])`,
      [id, JSON.stringify(ask.resources.map((resource) => ({ id: resource.id, permissions: resource.permissions })))],
    )
    return inserted!
  }

  /** Nobody is asked: by an automatic flow, or in an emergency, which somebody else must look at afterwards. */
  private async approveAtOnce(tx: Tx, { id, kind, flow, caller, ask }: Submission): Promise<void> {
    const { seconds } = ask
    await move(tx, id, 'approve', { approvedSeconds: seconds, data: { automatic: true, seconds } })
    if (flow.rule.approval.kind === 'emergency' && kind !== 'extension') {
      const alert = await this.approvers.named(flow.rule.approval.alert, tx)
      await rows(tx, 'insert into emergency_reviews (id, request_id, requester_id) values ($1, $2, $3)', [
        newId('rev'),
        id,
        caller.id,
      ])
      await record(tx, {
        kind: 'request.emergency',
        actor: caller.id,
        subject: id,
        data: { reason: ask.justification, alert: alert.map((person) => person.id) },
      })
    }
    const request = await lockRequest(tx, id)
    await this.subjects.of({ kind }).carryOut(tx, request!, seconds, await readRequestResources(tx, id))
  }

  private async facts(tx: Tx, { flow, ask, extendsGrantId, action }: Submission): Promise<DataOf<'request.submitted'>> {
    const told = await this.approvers.named(flow.rule.notify, tx)
    return {
      flow: flow.id,
      version: flow.version,
      seconds: ask.seconds,
      justification: ask.justification,
      extends: extendsGrantId ?? undefined,
      action: action && { name: action.shown.name, input: action.shown.input, risk: action.shown.risk.level },
      notify: told.length > 0 ? told.map((person) => person.id) : undefined,
      resources: ask.resources.map((resource) => ({ name: resource.name, permissions: [...resource.permissions] })),
    }
  }
}

/** Nobody switches the flow off or changes it until this is written down. */
async function mustStand(tx: Tx, flow: Submission['flow']): Promise<void> {
  const now = await row<{ active: boolean; version: number }>(
    tx,
    'select active, version from access_flows where id = $1 for share',
    [flow.id],
  )
  if (!now?.active) {
    throw new BrokerError('access.denied', `${flow.name}: the flow is switched off`, {
      fix: 'ask an admin for another access flow',
    })
  }
  if (now.version !== flow.version) {
    throw new BrokerError('conflict', `${flow.name}: an admin changed the flow at this moment`, { fix: 'send the request again' })
  }
}
