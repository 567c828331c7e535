import { Inject, Injectable } from '@nestjs/common'
import type { PlannedStep } from '../../approvals/requests/request.ts'
import { REQUEST_WORK, Waiting } from '../../approvals/requests/waiting.ts'
import { Approvers, type Asked } from '../../approvals/stages/approvers.ts'
import { BROKER, record } from '../../audit/record.ts'
import type { Config } from '../../config/config.ts'
import { Provisioning } from '../../grants/provisioning/provisioning.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import type { Hands } from '../../identity/callers/hands.ts'
import { enqueue, withdraw } from '../../platform/due/due-work.ts'
import { newId } from '../../platform/ids.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError, type Json } from '../../sdk/index.ts'
import type { Ask, FlowInForce } from '../rules/evaluate.ts'
import { inputOf } from './plans.ts'

export interface Submission {
  readonly id: string
  readonly flow: FlowInForce
  readonly caller: Pick<Caller, 'id' | 'tokenMakers' | 'cameWith'>
  readonly hands: Hands
  readonly ask: Ask
  readonly bundleId: string | null
  readonly extendsGrantId: string | null
  readonly plan: readonly PlannedStep[] | null
}

/** Writes a request down, with everything that has to happen to it by itself. */
@Injectable()
export class Submissions {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly approvers: Approvers,
    private readonly provisioning: Provisioning,
    private readonly waiting: Waiting,
  ) {}

  async insert(tx: Tx, submission: Submission, asked: Asked): Promise<void> {
    const { id, flow, caller, hands, ask, bundleId, extendsGrantId, plan } = submission
    const inserted = await row<{ expiresAt: Date }>(
      tx,
      `insert into access_requests (id, flow_id, flow_version, integration_id, requester_id, state, seconds, justification, delivery,
         extends_grant_id, bundle_id, fields, emergency, token_makers, hands, done_with, plan, expires_at)
       values ($1, $2, $3, $4, $5, 'pending', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, now() + make_interval(secs => $17))
       returning expires_at as "expiresAt"`,
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
      ],
    )
    const flowNow = await row<{ active: boolean }>(tx, 'select active from access_flows where id = $1 for share', [flow.id])
    if (!flowNow?.active) {
      throw new BrokerError('access.denied', `${flow.name}: the flow is switched off`, {
        fix: 'ask an admin for another access flow',
      })
    }
    await rows(
      tx,
      `insert into access_request_resources (request_id, resource_id, permissions)
       select $1, r.id, r.permissions from jsonb_to_recordset($2::jsonb) as r (id text, permissions text[])`,
      [id, JSON.stringify(ask.resources.map((resource) => ({ id: resource.id, permissions: resource.permissions })))],
    )
    await record(tx, { kind: 'request.submitted', actor: caller.id, subject: id, data: await this.facts(tx, submission) })
    if (asked.stages.length === 0) return
    await enqueue(tx, [{ lane: 'background', kind: REQUEST_WORK.lapse, subject: id, at: inserted?.expiresAt }])
    await this.waiting.beginStage(tx, id, flow.rule, 0)
  }

  /** Nobody is asked: by an automatic flow, or in an emergency, which somebody else must look at afterwards. */
  async approveAtOnce(tx: Tx, id: string, flow: FlowInForce, caller: Pick<Caller, 'id'>, ask: Ask): Promise<void> {
    await this.markApproved(tx, id, ask.seconds)
    if (flow.rule.approval.kind === 'emergency') {
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
    await this.provisioning.order(tx, {
      requestId: id,
      integrationId: flow.integrationId,
      granteeId: caller.id,
      seconds: ask.seconds,
      delivery: flow.rule.delivery,
      input: inputOf(ask),
    })
  }

  async markApproved(tx: Tx, id: string, seconds: number): Promise<void> {
    await rows(tx, `update access_requests set state = 'approved', approved_seconds = $2, decided_at = now() where id = $1`, [
      id,
      seconds,
    ])
    await withdraw(tx, REQUEST_WORK.lapse, [id])
    await record(tx, { kind: 'request.approved', actor: BROKER, subject: id, data: { automatic: true, seconds } })
  }

  private async facts(tx: Tx, { flow, ask, extendsGrantId }: Submission): Promise<Record<string, Json | undefined>> {
    const told = await this.approvers.named(flow.rule.notify, tx)
    return {
      flow: flow.id,
      version: flow.version,
      seconds: ask.seconds,
      justification: ask.justification,
      extends: extendsGrantId ?? undefined,
      notify: told.length > 0 ? told.map((person) => person.id) : undefined,
      resources: ask.resources.map((resource) => ({ name: resource.name, permissions: [...resource.permissions] })),
    }
  }
}
