import { Injectable } from '@nestjs/common'
import type { AccessRule, RequestQuery, RequestView } from '../contract/access.ts'
import type { Page } from '../contract/common.ts'
import type { Caller } from '../identity/caller.ts'
import { Cursors } from '../platform/cursors.ts'
import { Database, rows } from '../platform/database.ts'
import { isBrokerError } from '../sdk/index.ts'
import { byId } from './cursor.ts'
import { noSuchRequest } from './decisions.service.ts'
import { Flows } from './flows.service.ts'
import { type AccessRequest, readRequestResources, selectRequests } from './request.ts'
import { inputOf, neededFor, Requests } from './requests.service.ts'

type Item = Omit<RequestView, 'steps' | 'approvers'>
type ApprovalRow = {
  requestId: string
  id: string
  name: string
  decision: 'approve' | 'reject'
  reason: string
  seconds: number | null
  at: Date
}

/** What people see of requests: their own, those they may decide, and all of them for those who run or check the broker. */
@Injectable()
export class RequestViews {
  constructor(
    private readonly database: Database,
    private readonly flows: Flows,
    private readonly requests: Requests,
    private readonly cursors: Cursors,
  ) {}

  async get(caller: Caller, id: string): Promise<RequestView> {
    const [request] = await selectRequests(this.database.pool, 'q.id = $1', [id])
    if (!request) throw noSuchRequest(id)
    const rule = await this.flows.pinned(this.database.pool, request.flowId, request.flowVersion)
    const approvers = await this.requests.approvers({ rule }, request.requesterId)
    const decided = await this.approvals([id])
    const mayRead =
      request.requesterId === caller.id ||
      seesAll(caller) ||
      approvers.some((person) => person.id === caller.id) ||
      decided.some((approval) => approval.id === caller.id)
    if (!mayRead) throw noSuchRequest(id)
    const [item] = await this.items([request])
    return {
      ...item!,
      approvers: approvers.map(({ id: userId, name }) => ({ id: userId, name })),
      steps: await this.steps(request),
    }
  }

  async list(caller: Caller, query: RequestQuery): Promise<Page<Item>> {
    const kind = byId(`requests:${query.role}`)
    const after = this.cursors.read(kind, query.cursor)
    const found = await selectRequests(
      this.database.pool,
      `($1::text is null or q.id < $1) and ($2::text is null or q.state = $2) and ${SCOPES[query.role]} order by q.id desc limit $5`,
      [
        after ?? null,
        query.state ?? null,
        caller.id,
        query.role === 'any' ? seesAll(caller) : [...caller.groupIds],
        query.limit + 1,
      ],
    )
    const items = new Map((await this.items(found.slice(0, query.limit))).map((item) => [item.id as string, item]))
    return this.cursors.page(
      kind,
      found,
      query.limit,
      (request) => request.id,
      (request) => items.get(request.id)!,
    )
  }

  /** What an approval would carry out; nothing when the target's plugin cannot plan it (any more). */
  private async steps(request: AccessRequest): Promise<RequestView['steps']> {
    const resources = await readRequestResources(this.database.pool, request.id)
    try {
      return (await this.requests.plan(request.integrationId, request.id, inputOf({ resources }))).steps
    } catch (error) {
      if (isBrokerError(error)) return []
      throw error
    }
  }

  private async items(requests: readonly AccessRequest[]): Promise<Item[]> {
    const ids = requests.map((request) => request.id)
    const resources = Map.groupBy(await this.resources(ids), (resource) => resource.requestId)
    const approvals = Map.groupBy(await this.approvals(ids), (approval) => approval.requestId)
    const rules = await rows<{ id: string; rule: AccessRule }>(
      this.database.pool,
      `select q.id, v.rule from access_requests q join access_flow_versions v on v.flow_id = q.flow_id and v.version = q.flow_version
       where q.id = any($1)`,
      [ids],
    )
    const needed = new Map(rules.map(({ id, rule }) => [id, neededFor({ rule })]))
    return requests.map((request) => ({
      id: request.id as Item['id'],
      state: request.state,
      flow: { id: request.flowId as Item['flow']['id'], name: request.flowName, version: request.flowVersion },
      integrationId: request.integrationId as Item['integrationId'],
      requester: { id: request.requesterId as Item['requester']['id'], name: request.requesterName },
      resources: (resources.get(request.id) ?? []).map(({ requestId: _, ...resource }) => resource),
      seconds: request.seconds,
      approvedSeconds: request.approvedSeconds,
      justification: request.justification,
      delivery: request.delivery,
      extendsGrantId: request.extendsGrantId as Item['extendsGrantId'],
      grantId: request.grantId as Item['grantId'],
      needed: needed.get(request.id) ?? 0,
      approvals: (approvals.get(request.id) ?? []).map(({ id, name, decision, reason, seconds, at }) => ({
        approver: { id: id as Item['requester']['id'], name },
        decision,
        reason,
        seconds,
        at: at.toISOString(),
      })),
      createdAt: request.createdAt.toISOString(),
      expiresAt: request.expiresAt.toISOString(),
      decidedAt: request.decidedAt?.toISOString() ?? null,
    }))
  }

  private resources(ids: readonly string[]): Promise<(Item['resources'][number] & { requestId: string })[]> {
    return rows(
      this.database.pool,
      `select a.request_id as "requestId", r.id as "resourceId", r.type, r.name, a.permissions
       from access_request_resources a join resources r on r.id = a.resource_id where a.request_id = any($1) order by r.name, r.id`,
      [ids],
    )
  }

  private approvals(ids: readonly string[]): Promise<ApprovalRow[]> {
    return rows(
      this.database.pool,
      `select a.request_id as "requestId", u.id, u.name, a.decision, a.reason, a.seconds, a.created_at as at
       from approvals a join users u on u.id = a.approver_id where a.request_id = any($1) order by a.created_at, a.id`,
      [ids],
    )
  }
}

export function seesAll(caller: Caller): boolean {
  return caller.roles.some((role) => role === 'admin' || role === 'auditor' || role === 'owner')
}

/** $3 is the caller; $4 their groups, or for `any` whether they see everything. */
const SCOPES = {
  requester: 'q.requester_id = $3 and $4::text[] is not null',
  approver: `q.requester_id <> $3 and q.state = 'pending' and exists (
    select 1 from access_flow_versions v where v.flow_id = q.flow_id and v.version = q.flow_version
      and (v.rule -> 'approval' -> 'users' ? $3 or v.rule -> 'approval' -> 'groups' ?| $4::text[]))`,
  any: '(q.requester_id = $3 or $4::boolean)',
} as const
