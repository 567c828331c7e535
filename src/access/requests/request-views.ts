import { Injectable } from '@nestjs/common'
import { Journal } from '../../actions/journal.ts'
import { noSuchRequest } from '../../approvals/decisions/decisions.service.ts'
import { type Approval, decisionsOn, readApprovals, readDecisions } from '../../approvals/requests/approval.ts'
import {
  type AccessRequest,
  type AskedResource,
  escalatedIn,
  readRequestResources,
  resourcesOf,
  selectRequests,
} from '../../approvals/requests/request.ts'
import { Subjects } from '../../approvals/requests/subjects.ts'
import { Approvers, type Asked } from '../../approvals/stages/approvers.ts'
import { firstUnapprovable } from '../../approvals/stages/enough-approvers.ts'
import { stageViews } from '../../approvals/stages/stage-view.ts'
import { isRepeated, mayDecide, stagesOf, stillNeeded } from '../../approvals/stages/stages.ts'
import type { Page } from '../../contract/lists.ts'
import type { RequestQuery, RequestView } from '../../contract/requests.ts'
import type { AccessRule } from '../../contract/rules.ts'
import { grantIdOf, runIdOf } from '../../grants/grant.ts'
import { type Caller, seesAll } from '../../identity/callers/caller.ts'
import { Cursors } from '../../platform/http/cursors.ts'
import { Database } from '../../platform/postgres/database.ts'
import { byId } from '../cursor.ts'

type Item = Omit<RequestView, 'steps' | 'approvers' | 'stages' | 'waitsFor'>

/** What people see of requests: their own, those they may decide, and all of them for those who run or check the broker. */
@Injectable()
export class RequestViews {
  constructor(
    private readonly database: Database,
    private readonly approvers: Approvers,
    private readonly subjects: Subjects,
    private readonly journal: Journal,
    private readonly cursors: Cursors,
  ) {}

  async get(caller: Caller, id: string): Promise<RequestView> {
    const [request] = await selectRequests(this.database.pool, 'q.id = $1', [id])
    if (!request) throw noSuchRequest(id)
    const resources = await readRequestResources(this.database.pool, id)
    const asked = await this.approvers.of({ ...request, resources }, escalatedIn(request))
    const stage = request.state === 'pending' ? asked.stages[request.stage] : undefined
    const decided = await readApprovals(this.database.pool, [id])
    const decisions = request.state === 'pending' ? await readDecisions(this.database.pool, id) : []
    const mayRead =
      request.requesterId === caller.id ||
      seesAll(caller) ||
      asked.stages.some((each) => mayDecide(each, caller.id)) ||
      decided.some((approval) => approval.id === caller.id)
    if (!mayRead) throw noSuchRequest(id)
    const [item] = this.items([request], new Map([[id, resources]]), new Map([[id, decided]]))
    return {
      ...item!,
      approvers: [...asked.people.values()]
        .filter(
          ({ id: personId }) => stage && mayDecide(stage, personId) && !isRepeated(asked, request.stage, decisions, [personId]),
        )
        .map(({ id: personId, name, userName, email }) => ({ id: personId, name, userName, email })),
      undecidable: request.state === 'pending' && firstUnapprovable(asked) !== undefined,
      stages: stageViews(asked),
      waitsFor: (request.state === 'pending' ? stillNeeded(asked, request.stage, decisions) : []).map(({ missing, people }) => ({
        missing,
        people: people.flatMap((personId) => personIn(asked.people, personId)),
      })),
      steps: await this.steps(request),
    }
  }

  async list(caller: Caller, query: RequestQuery): Promise<Page<Item>> {
    const kind = byId(`requests:${query.role}`)
    const after = this.cursors.read(kind, query.cursor)
    const found =
      query.role === 'approver'
        ? await this.waitingFor(caller, query, after)
        : await this.read(caller, query, after, query.limit + 1)
    const items = new Map((await this.readItems(found.slice(0, query.limit))).map((item) => [item.id as string, item]))
    return this.cursors.page(
      kind,
      found,
      query.limit,
      (request) => request.id,
      (request) => items.get(request.id)!,
    )
  }

  /** Manager and owners are not written in a rule, so who may decide is found out request by request. */
  private async waitingFor(caller: Caller, query: RequestQuery, after: string | undefined): Promise<AccessRequest[]> {
    const theirs: AccessRequest[] = []
    for (let last = after; theirs.length <= query.limit; ) {
      const candidates = await this.read(caller, query, last, 100)
      theirs.push(...(await this.decidable(caller, candidates)))
      last = candidates.at(-1)?.id
      if (candidates.length < 100) break
    }
    return theirs.slice(0, query.limit + 1)
  }

  /** Those of these requests that wait for the caller. Asked over and over, of many: everything is read for all at once. */
  private async decidable(caller: Caller, requests: readonly AccessRequest[]): Promise<AccessRequest[]> {
    if (requests.length === 0) return []
    const ids = requests.map(({ id }) => id)
    const resources = await resourcesOf(this.database.pool, ids)
    const decisions = await decisionsOn(this.database.pool, ids)
    const asked = await this.approvers.ofEach(
      requests.map((request) => ({
        matter: { ...request, resources: resources.get(request.id) ?? [] },
        isEscalated: escalatedIn(request),
      })),
    )
    return requests.filter(({ id, stage: number }, i) => {
      const stage = asked[i]!.stages[number]
      const decided = decisions.get(id) ?? []
      return stage && mayDecide(stage, caller.id) && !isRepeated(asked[i]!, number, decided, [caller.id])
    })
  }

  private read(caller: Caller, query: RequestQuery, after: string | undefined, limit: number): Promise<AccessRequest[]> {
    return selectRequests(
      this.database.pool,
      `($1::text is null or q.id < $1) and ($2::text is null or q.state = $2) and ${SCOPES[query.role]} order by q.id desc limit $5`,
      [after ?? null, query.state ?? null, caller.id, query.role === 'any' && seesAll(caller), limit],
    )
  }

  /** The plan that was kept; of what is carried out already, the steps themselves. An extension moves the end of what stands. */
  private async steps({ id, state, plan, extendsGrantId, action }: AccessRequest): Promise<RequestView['steps']> {
    const kept = (plan ?? []).map(({ kind, target, summary, args }) => ({ kind, target, summary, args }))
    if (state !== 'approved' && !extendsGrantId) return kept
    const steps = await this.journal.shown(this.database.pool, action?.runId ?? runIdOf(extendsGrantId ?? id))
    return steps.length > 0 ? steps.map(({ kind, target, summary, args }) => ({ kind, target, summary, args })) : kept
  }

  private async readItems(requests: readonly AccessRequest[]): Promise<Item[]> {
    const ids = requests.map((request) => request.id)
    const resources = await resourcesOf(this.database.pool, ids)
    const approvals = Map.groupBy(await readApprovals(this.database.pool, ids), (approval) => approval.requestId)
    return this.items(requests, resources, approvals)
  }

  private items(
    requests: readonly AccessRequest[],
    resources: ReadonlyMap<string, readonly AskedResource[]>,
    approvals: ReadonlyMap<string, readonly Approval[]>,
  ): Item[] {
    return requests.map((request) => ({
      id: request.id as Item['id'],
      kind: request.kind,
      asked: this.subjects.of(request).inWords(request, resources.get(request.id) ?? []),
      state: request.state,
      flow: { id: request.flowId as Item['flow']['id'], name: request.flowName, version: request.flowVersion },
      integrationId: request.integrationId as Item['integrationId'],
      requester: {
        id: request.requesterId as Item['requester']['id'],
        name: request.requesterName,
        userName: request.requesterUserName,
        email: request.requesterEmail,
      },
      resources: (resources.get(request.id) ?? []).map(({ id, type, name, permissions }) => ({
        resourceId: id as Item['resources'][number]['resourceId'],
        type,
        name,
        permissions: [...permissions],
      })),
      action: request.action && {
        ...request.action,
        risk: { level: request.action.risk.level, reasons: [...request.action.risk.reasons] },
        runId: (request.action.runId ?? null) as `run_${string}` | null,
      },
      seconds: request.seconds,
      approvedSeconds: request.approvedSeconds,
      justification: request.justification,
      delivery: request.delivery,
      stage: request.stage,
      undecidable: request.state === 'pending' && request.undecidable,
      emergency: request.emergency,
      fields: request.fields,
      fieldLabels: labelsOf(request),
      extendsGrantId: request.extendsGrantId as Item['extendsGrantId'],
      grantId: grantOf(request),
      needed: leastNeeded(request.rule),
      approvals: (approvals.get(request.id) ?? []).map(({ id, name, userName, email, stage, decision, reason, seconds, at }) => ({
        approver: { id: id as Item['requester']['id'], name, userName, email },
        stage,
        decision,
        reason,
        seconds,
        at: at.toISOString(),
      })),
      createdAt: request.createdAt.toISOString(),
      expiresAt: request.expiresAt.toISOString(),
      decidedAt: request.decidedAt?.toISOString() ?? null,
      endReason: request.endReason,
    }))
  }
}

/** Access that was approved is a grant, written in the same transaction; an extension is of one that is there. */
function grantOf({ id, kind, state, extendsGrantId }: AccessRequest): Item['grantId'] {
  const own = kind === 'access' && state === 'approved' ? grantIdOf(id) : null
  return (extendsGrantId ?? own) as Item['grantId']
}

function personIn(people: Asked['people'], personId: string): RequestView['approvers'] {
  const found = people.get(personId)
  return found ? [{ id: found.id, name: found.name, userName: found.userName, email: found.email }] : []
}

function labelsOf({ fields, rule }: AccessRequest): Item['fieldLabels'] {
  const labels = new Map(rule.fields?.map(({ key, label }) => [key, label]))
  return Object.fromEntries(Object.keys(fields).map((key) => [key, labels.get(key) ?? key]))
}

/** How many must approve at the least: `all` of a stage is somebody, of how many people the directory says at the time. */
function leastNeeded(rule: AccessRule): number {
  return stagesOf(rule.approval).reduce((sum, { needed }) => sum + (needed === 'all' ? 1 : needed), 0)
}

/** $3 is the caller; $4 whether they see everything. */
const SCOPES = {
  requester: 'q.requester_id = $3 and not $4::boolean',
  approver: `q.requester_id <> $3 and q.state = 'pending' and not $4::boolean`,
  any: '(q.requester_id = $3 or $4::boolean)',
} as const
