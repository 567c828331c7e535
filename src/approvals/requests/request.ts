import type { RequestKind } from '../../contract/requests.ts'
import type { AccessRule } from '../../contract/rules.ts'
import type { Hands } from '../../identity/callers/hands.ts'
import { leftSince } from '../../identity/directory/leaving.ts'
import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import type { Json, Step } from '../../sdk/index.ts'
import { ruleForRisk } from '../stages/stages.ts'
import type { RequestState } from './request-machine.ts'

/** What happens to a request by itself while it waits. */
export const REQUEST_WORK = { lapse: 'request.lapse', escalate: 'request.escalate', remind: 'request.remind' } as const

/** Answers to a flow's own questions. */
export type FieldValues = Readonly<Record<string, string | number | boolean>>

/** A step as people may see it. */
export type PlannedStep = Pick<Step, 'kind' | 'target' | 'summary' | 'args' | 'before'>

export interface AskedResource {
  readonly id: string
  readonly type: string
  readonly name: string
  readonly tags: Readonly<Record<string, string>>
  /** what its plugin needs to grant it */
  readonly attributes: Readonly<Record<string, Json>>
  readonly ungrantable: string | null
  readonly gone: boolean
  readonly integrationId: string
  readonly permissions: readonly string[]
}

/** What somebody asks to have done. */
export interface AskedAction {
  readonly name: string
  readonly title: string
  /** as people may see it */
  readonly input: Json
  readonly risk: { readonly level: 'low' | 'medium' | 'high'; readonly reasons: readonly string[] }
  readonly reversible: boolean
  readonly irreversible?: string
  /** once it is approved */
  readonly runId?: string
}

/** One person's ask under a flow version, as its row says. */
export interface AccessRequest {
  readonly id: string
  readonly kind: RequestKind
  readonly flowId: string
  readonly flowVersion: number
  readonly flowName: string
  /** of the flow, as it was when this was asked for, with its stages for an action of this risk */
  readonly rule: AccessRule
  readonly integrationId: string
  readonly requesterId: string
  readonly requesterName: string
  readonly requesterUserName: string | null
  readonly requesterEmail: string | null
  /** whose asking it may be */
  readonly hands: Hands
  /** whether one of them has left since: nothing is given on their word */
  readonly isAskedByLeaver: boolean
  readonly state: RequestState
  readonly seconds: number
  readonly approvedSeconds: number | null
  readonly justification: string
  /** how its credential is handed over */
  readonly delivery: string
  readonly stage: number
  readonly escalated: boolean
  /** too few people are left who could approve it, as was noticed */
  readonly undecidable: boolean
  readonly emergency: boolean
  readonly fields: FieldValues
  readonly extendsGrantId: string | null
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly decidedAt: Date | null
  /** why the broker ended it */
  readonly endReason: string | null
  /** what a request for an action asks for */
  readonly action: AskedAction | null
  /** its whole input, sealed, until it is decided */
  readonly sealedInput: string | null
  /** made when it was asked for; null where the target could not be asked then */
  readonly plan: readonly PlannedStep[] | null
}

/** Of which stages the delay is over. Of a stage behind us nobody knows any more, so everybody who may have decided there counts. */
export function escalatedIn(request: Pick<AccessRequest, 'stage' | 'escalated'>): (stage: number) => boolean {
  return (stage) => stage < request.stage || (stage === request.stage && request.escalated)
}

const SELECT = `select q.id, q.kind, q.flow_id as "flowId", q.flow_version as "flowVersion", f.name as "flowName", v.rule,
  q.integration_id as "integrationId", q.requester_id as "requesterId", u.name as "requesterName",
  coalesce(u.user_name, u.sign_in_name) as "requesterUserName", u.email as "requesterEmail", q.hands,
  ${leftSince('q.hands', 'q.created_at')} as "isAskedByLeaver", q.state, q.seconds,
  q.approved_seconds as "approvedSeconds", q.justification, q.delivery, q.stage, q.escalated, q.undecidable_since is not null as undecidable, q.emergency, q.fields, q.extends_grant_id as "extendsGrantId",
  q.created_at as "createdAt", q.expires_at as "expiresAt", q.decided_at as "decidedAt",
  q.end_reason as "endReason", q.plan, q.action, q.sealed_input as "sealedInput"
  from access_requests q join access_flows f on f.id = q.flow_id
  join access_flow_versions v on v.flow_id = q.flow_id and v.version = q.flow_version join users u on u.id = q.requester_id`

/** Reads requests by a condition on `q`. */
export async function selectRequests(tx: Tx, condition: string, values: readonly unknown[]): Promise<AccessRequest[]> {
  const found = await rows<AccessRequest>(tx, `${SELECT} where ${condition}`, values)
  return found.map((request) =>
    request.action ? { ...request, rule: ruleForRisk(request.rule, request.action.risk.level) } : request,
  )
}

/** The request, its row locked until the transaction ends. */
export async function lockRequest(tx: Tx, id: string): Promise<AccessRequest | undefined> {
  return (await selectRequests(tx, 'q.id = $1 for update of q', [id]))[0]
}

/** The run that an approved request led to; what was sealed of it is with that run from now on. */
export async function noteRun(tx: Tx, requestId: string, runId: string): Promise<void> {
  await row(
    tx,
    `update access_requests set action = action || jsonb_build_object('runId', $2::text), sealed_input = null where id = $1`,
    [requestId, runId],
  )
}

/** The plan its approvers saw; null where the target could not be asked when it was made. */
export async function keptPlan(tx: Tx, requestId: string): Promise<Step[] | null> {
  const kept = await row<{ plan: Step[] | null }>(tx, 'select plan from access_requests where id = $1', [requestId])
  return kept?.plan ?? null
}

/** What was asked for, as it stands now. */
export async function readRequestResources(tx: Tx, requestId: string): Promise<readonly AskedResource[]> {
  return (await resourcesOf(tx, [requestId])).get(requestId) ?? []
}

/** The same of many at once. */
export async function resourcesOf(tx: Tx, requestIds: readonly string[]): Promise<ReadonlyMap<string, readonly AskedResource[]>> {
  const found = await rows<AskedResource & { requestId: string }>(
    tx,
    `select a.request_id as "requestId", r.id, r.type, r.name, r.tags, r.attributes, r.ungrantable, r.gone_at is not null as gone,
       r.integration_id as "integrationId", a.permissions
     from access_request_resources a join resources r on r.id = a.resource_id where a.request_id = any($1) order by r.name, r.id`,
    [requestIds],
  )
  return Map.groupBy(found, ({ requestId }) => requestId)
}
