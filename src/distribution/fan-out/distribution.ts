import { RUN_FACTS } from '../../actions/run-facts.ts'
import type { RunState } from '../../actions/run-machine.ts'
import type { DistributionLine, DistributionView, PartState } from '../../contract/distributions.ts'
import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import { ORDERED_FACTS } from '../../runs/ordered-run.ts'
import { BrokerError } from '../../sdk/index.ts'

/** Due work of distributions. Its subject is the distribution. */
export const DISTRIBUTION_WORK = 'distribution.advance'

interface Problem {
  readonly code: string
  readonly message: string
  readonly fix?: string
}

/** A certificate on its way to targets, as its row says. */
export interface Distribution {
  readonly id: string
  readonly certificate: { readonly id: string; readonly name: string; readonly fingerprint: string }
  readonly reason: string
  readonly batchSize: number
  readonly undoIfUnverified: boolean
  readonly orderedBy: { readonly id: string; readonly name: string }
  /** who had it sent last: by the order, or by resuming it */
  readonly sentBy: string
  /** the source whose renewal it carries out; null: a person ordered it */
  readonly sourceId: string | null
  /** how often it was ordered and resumed */
  readonly attempts: number
  readonly createdAt: Date
  readonly finishedAt: Date | null
}

/** What a person wants of a target whose run exists. */
export interface Wish {
  readonly is: 'cancel' | 'undo'
  readonly by: string
  readonly reason: string
}

/** One target of it, with what its run says. */
export interface Part {
  readonly distributionId: string
  readonly targetId: string
  readonly name: string
  readonly integrationId: string
  readonly isRemoved: boolean
  /** which version of the target was accepted; null: from before there was such a thing */
  readonly targetVersion: number | null
  readonly runId: string | null
  readonly run: RunState | null
  /** taken back, and there was nothing to put back: somebody else wrote first */
  readonly wroteNothing: boolean
  /** taken back because a person said so, and not because it failed */
  readonly byPerson: boolean
  readonly steps: number
  readonly stepsDone: number
  /** its run was done, or it failed and something of it may be at the target */
  readonly isThere: boolean
  /** it failed, and what the broker knew of it is kept no longer */
  readonly isForgotten: boolean
  readonly problem: Problem | null
  /** what a person wants of it and is not begun yet */
  readonly wish: Wish | null
  /** a person wanted it back, and nobody was told yet what came of it */
  readonly isAskedBack: boolean
  /** its run has just begun, and nothing stands in its way yet */
  readonly isFresh: boolean
}

export function selectDistributions(tx: Tx, where: string, values: readonly unknown[]): Promise<Distribution[]> {
  return rows(
    tx,
    `select d.id, json_build_object('id', c.id, 'name', c.name, 'fingerprint', c.fingerprint) as certificate, d.reason,
       d.batch_size as "batchSize", d.undo_if_unverified as "undoIfUnverified", json_build_object('id', u.id, 'name', u.name) as "orderedBy",
       d.sent_by as "sentBy", d.source_id as "sourceId", d.attempts, d.created_at as "createdAt", d.finished_at as "finishedAt"
     from distributions d join certificates c on c.id = d.certificate_id join users u on u.id = d.ordered_by where ${where}`,
    values,
  )
}

export async function findDistribution(tx: Tx, id: string, lock?: 'for update'): Promise<Distribution> {
  if (lock) await row(tx, `select 1 from distributions where id = $1 ${lock}`, [id])
  const [found] = await selectDistributions(tx, 'd.id = $1', [id])
  if (!found) throw new BrokerError('not_found', `there is no distribution ${id}`)
  return found
}

/** A target that is slow makes room for others after so long. */
const ROOM_AFTER_SECONDS = 5

export function partsOf(tx: Tx, distributions: readonly string[]): Promise<Part[]> {
  return rows(
    tx,
    `select p.distribution_id as "distributionId", p.target_id as "targetId", t.name, t.integration_id as "integrationId",
       t.removed_at is not null as "isRemoved", p.target_version as "targetVersion", p.asked_back as "isAskedBack", p.run_id as "runId", r.state as run, coalesce(o.undo ->> 'by', '') <> '' as "byPerson", coalesce(o."wroteNothing", false) as "wroteNothing",
       coalesce(r.steps, 0) as steps, coalesce(r."stepsDone", 0) as "stepsDone", coalesce(r.state = 'executed' or (r.state = 'failed' and r."isLeft"), false) as "isThere", coalesce(r."isForgotten", false) as "isForgotten", coalesce(p.problem, o.problem) as problem, p.wish,
       o.problem is null and o."createdAt" > clock_timestamp() - interval '${ROOM_AFTER_SECONDS} s' as "isFresh"
     from distribution_parts p join distribution_targets t on t.id = p.target_id
     left join ${RUN_FACTS} r on r.id = p.run_id left join ${ORDERED_FACTS} o on o.id = p.run_id
     where p.distribution_id = any($1) order by p.distribution_id, p.position`,
    [distributions],
  )
}

/** Where a target stands. A run that failed is undone by itself where it may have written; only where it had written it is called rolled back. */
export function stateOf({ run, problem, runId, steps, stepsDone, wish, wroteNothing, byPerson }: Part): PartState {
  if (runId === null || run === null) return problem ? 'failed' : 'queued'
  switch (run) {
    case 'pending':
      return problem ? 'running' : 'queued'
    case 'executing':
      return steps > 0 && stepsDone === steps ? 'written' : 'running'
    case 'executed':
      // A run that is done has no problem, unless it was to be undone since and the target would not.
      return wish?.is === 'undo' ? 'rolling_back' : problem ? 'refused' : 'verified'
    case 'undoing':
      return 'rolling_back'
    case 'undone':
      return wroteNothing && !byPerson ? 'failed' : 'rolled_back'
    case 'failed':
      return wish?.is === 'undo' ? 'rolling_back' : 'failed'
    case 'stuck':
      return 'stuck'
  }
}

const UNDER_WAY: readonly PartState[] = ['queued', 'running', 'written', 'rolling_back']

export function hasSettled(part: Part): boolean {
  return part.wish === null && !UNDER_WAY.includes(stateOf(part))
}

/** It is there, or something that failed is, and nothing has taken it away since as far as the broker knows. */
export function mayBePutBack(part: Part): boolean {
  return !part.isRemoved && part.isThere && ['verified', 'refused', 'failed'].includes(stateOf(part))
}

/** It failed, and something of it may be there: what is sent over that takes the way back to what was there before. */
export function isLeft(part: Part): boolean {
  return !part.isRemoved && (part.isThere || part.isForgotten) && stateOf(part) === 'failed'
}

/** It is not there, and not because a person took it back. */
export function mayBeSentAgain(part: Part): boolean {
  const state = stateOf(part)
  return !part.isRemoved && ((state === 'failed' && !isLeft(part)) || (state === 'rolled_back' && !part.byPerson))
}

/** The same where a person names the target. */
export function mayBeSentAgainByName(part: Part): boolean {
  return mayBeSentAgain(part) || (!part.isRemoved && (isLeft(part) || isBack(part)))
}

export const isBack = (part: Part) => !part.isRemoved && stateOf(part) === 'rolled_back'

/** Throws where two admins are asked and one alone would send to somewhere else than both said, or again what both took back. */
export function mustNeedNoSecond(again: readonly Part[], versions: readonly number[]): void {
  const moved = again.find(({ targetVersion }, at) => targetVersion !== null && targetVersion !== versions[at])
  const left = again.find(isLeft)
  if (!moved && !left && !again.some(isBack)) return
  const why = moved
    ? `${moved.name} was changed since two admins accepted it`
    : left
      ? `what failed at ${left.name} may have left something there`
      : 'two admins put this target back'
  throw new BrokerError('conflict', `${why}: one admin alone does not send to it again`, {
    field: 'targetIds',
    fix: 'order a new distribution to this target; a second admin accepts it',
  })
}

export function lineOf(distribution: Distribution, parts: readonly Part[]): DistributionLine {
  const counts: Partial<Record<PartState, number>> = {}
  for (const part of parts) counts[stateOf(part)] = (counts[stateOf(part)] ?? 0) + 1
  const { attempts: _, sentBy: _by, sourceId: _of, createdAt, finishedAt, ...rest } = distribution
  return {
    ...(rest as Pick<DistributionView, 'id' | 'certificate' | 'orderedBy' | 'reason' | 'batchSize' | 'undoIfUnverified'>),
    state: stateOfAll(parts),
    counts: counts as DistributionLine['counts'],
    createdAt: createdAt.toISOString(),
    finishedAt: finishedAt?.toISOString() ?? null,
  }
}

/** As people see it, target by target. */
export async function shownDistribution(tx: Tx, id: string): Promise<DistributionView> {
  const [distribution, parts] = [await findDistribution(tx, id), await partsOf(tx, [id])]
  return {
    ...lineOf(distribution, parts),
    targets: parts.map((part) => ({
      id: part.targetId as DistributionView['targets'][number]['id'],
      name: part.name,
      state: stateOf(part),
      removed: part.isRemoved,
      undoable: mayBePutBack(part),
      runId: part.runId as DistributionView['targets'][number]['runId'],
      problem: part.problem,
    })),
  }
}

export function stateOfAll(parts: readonly Part[]): DistributionView['state'] {
  if (!parts.every(hasSettled)) return 'running'
  const states = new Set(parts.map(stateOf))
  if (states.size === 1 && states.has('verified')) return 'done'
  if (states.has('refused')) return 'rollback_refused'
  if (states.has('verified') || states.has('stuck')) return 'partial'
  return parts.every((part) => part.byPerson && stateOf(part) === 'rolled_back') ? 'rolled_back' : 'failed'
}

const NAMED_AT_MOST = 5

/** What came of putting targets back: at how many of how many, and why not at the others. */
export function backOf(asked: readonly Part[]): {
  readonly isWhole: boolean
  readonly rolledBack: number
  readonly of: number
  readonly message?: string
} {
  const left = asked.filter((part) => stateOf(part) !== 'rolled_back')
  const counts = { rolledBack: asked.length - left.length, of: asked.length }
  if (left.length === 0) return { isWhole: true, ...counts }
  const why = left
    .slice(0, NAMED_AT_MOST)
    .map((part) => `${stateOf(part)} at ${part.name}: ${part.problem?.message ?? 'no reason known'}`)
  const more = left.length > NAMED_AT_MOST ? [`and at ${left.length - NAMED_AT_MOST} more`] : []
  const message = [`rolled back at ${counts.rolledBack} of ${counts.of}`, ...why, ...more].join('; ')
  return { isWhole: false, ...counts, message }
}

export const workOf = (id: string) => ({ lane: 'run', kind: DISTRIBUTION_WORK, subject: id, shard: id }) as const

/** Of a distribution's targets those that are named, or all. */
export function chosenOf(parts: readonly Part[], targetIds: readonly string[] | undefined): readonly Part[] {
  const known = new Set(parts.map(({ targetId }) => targetId))
  const stranger = targetIds?.findIndex((id) => !known.has(id)) ?? -1
  if (stranger >= 0) {
    throw new BrokerError('input.invalid', 'is not a target of this distribution', {
      field: `targetIds.${stranger}`,
      fix: 'name targets that it lists',
    })
  }
  return targetIds ? parts.filter(({ targetId }) => targetIds.includes(targetId)) : parts
}
