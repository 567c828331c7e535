import { Injectable, Logger, type OnModuleInit } from '@nestjs/common'
import type { Counter, Histogram } from '@opentelemetry/api'
import { grantAccessOf } from '../../actions/action-of.ts'
import { type HeldRun, mayHaveHappened, powerOf } from '../../actions/action-run.ts'
import { Journal, noteTarget, transition } from '../../actions/journal.ts'
import { ActionRunner } from '../../actions/runner.ts'
import { mustBeSameTarget, whoAnswers } from '../../actions/whereabouts.ts'
import { BROKER, record } from '../../audit/record.ts'
import { type Connection, Connections } from '../../integrations/connections.ts'
import { inParallel } from '../../platform/pacing/in-parallel.ts'
import { rows, type Tx, UrgentDatabase } from '../../platform/postgres/database.ts'
import { Metrics } from '../../platform/watching/metrics.ts'
import { type Hold, type Outcome, pauseFor, type Work } from '../../platform/work/due-lane.ts'
import { DueWork, enqueue } from '../../platform/work/due-work.ts'
import { BrokerError, type Evidence, isBrokerError, type TargetIdentity } from '../../sdk/index.ts'
import { type EndReason, GRANT_WORK, type Grant, selectGrants } from '../grant.ts'
import { beginEnding } from './ending.ts'
import { noteFailures, whyFailed } from './failures.ts'
import { isOutage, ShardPauses } from './outage.ts'
import { receiptOf } from './receipt.ts'

/** Calls in flight to one target: more does not go faster (a server's policy deletes saturate near this). */
const CUTS_AT_ONCE = 24
const CLEANS_AT_ONCE = 12
/** Never so long that the target is well again and nobody notices: what it fails with may hold for every grant at once. */
const longestPauseMs = (grant: Grant) => (grant.state === 'stuck' ? 20_000 : 5_000)

/** A grant on its way out and the run this process holds for it. */
interface Leaving {
  readonly work: Work
  readonly grant: Grant
  readonly run: HeldRun
}

/**
 * Takes access away: first what confers power, for everybody who is due; then the rest, with proof. Never gives up, and has lanes and
 * database connections of its own.
 */
@Injectable()
export class Revocation implements OnModuleInit {
  private readonly log = new Logger(Revocation.name)
  private readonly pauses = new ShardPauses()
  private readonly lag: Histogram
  private readonly ended: Counter

  constructor(
    private readonly database: UrgentDatabase,
    private readonly work: DueWork,
    private readonly journal: Journal,
    private readonly runner: ActionRunner,
    private readonly connections: Connections,
    metrics: Metrics,
  ) {
    this.lag = metrics.histogram('latchkey_cut_lag_seconds', 'from due to powerless, in seconds')
    this.ended = metrics.counter('latchkey_grants_ended_total', 'grants whose every piece is proved gone')
  }

  onModuleInit(): void {
    this.work.handle('cut', GRANT_WORK.end, (batch, hold) => this.cut(batch, hold))
    this.work.handle('clean', GRANT_WORK.clean, (batch, hold) => this.clean(batch, hold))
  }

  private async cut(batch: readonly Work[], hold: Hold): Promise<Map<string, Outcome>> {
    const { leaving, outcomes } = await this.database.transaction((tx) => this.beginCut(tx, batch))
    if (leaving.length === 0) return outcomes
    const reached = await this.reach(leaving, hold, outcomes)
    if (!reached) return outcomes
    const { connection, target } = reached
    const cut: Leaving[] = []
    const failed = await this.forEach(leaving, CUTS_AT_ONCE, hold, outcomes, async (one) => {
      mustBeSameTarget(one.run, target)
      await this.runner.undo(connection, one.run, powerOf(one.run.steps).filter(mayHaveHappened), hold)
      cut.push(one)
    })
    await this.database.transaction(async (tx) => {
      await lockGrants(tx, cut)
      const ours = await this.journal.stillOurs(
        tx,
        cut.map((one) => one.run),
      )
      const done = cut.filter((one) => ours.has(one.run.id))
      await this.journal.mark(
        tx,
        done.flatMap((one) => powerOf(one.run.steps).map((step) => refOf(one, step))),
        'undone',
      )
      const lags = await rows<{ seconds: number }>(
        tx,
        `update grants set cut_at = coalesce(cut_at, clock_timestamp()), error = null where id = any($1)
         returning extract(epoch from cut_at - case when end_reason = 'expired' then expires_at else revoking_at end)::float as seconds`,
        [done.map((one) => one.grant.id)],
      )
      await noteTarget(
        tx,
        done.map((one) => one.run.id),
        target,
      )
      for (const { seconds } of lags) this.lag.record(Math.max(0, seconds))
      await enqueue(
        tx,
        done.map(({ grant }) => ({ lane: 'clean', kind: GRANT_WORK.clean, subject: grant.id, shard: grant.integrationId })),
      )
    })
    this.work.wake('clean')
    await noteFailures(this.database, failed)
    return outcomes
  }

  /** Ends what is due, claims the runs, and journals the intent: one transaction for the whole batch. */
  private async beginCut(tx: Tx, batch: readonly Work[]): Promise<{ leaving: Leaving[]; outcomes: Map<string, Outcome> }> {
    const outcomes = new Map<string, Outcome>()
    const subjects = batch.map((work) => work.subject)
    await rows(tx, 'select 1 from grants where id = any($1) order by id for update', [subjects])
    const due = await rows<{ id: string }>(
      tx,
      `select id from grants where id = any($1) and state = 'active' and expires_at <= clock_timestamp()`,
      [subjects],
    )
    await beginEnding(
      tx,
      due.map((grant) => grant.id),
      { reason: 'expired' },
    )
    const grants = new Map((await selectGrants(tx, 'g.id = any($1)', [subjects])).map((grant) => [grant.id, grant]))
    const runs = await this.journal.claim(
      tx,
      [...grants.values()].filter((grant) => grant.state === 'revoking' || grant.state === 'stuck').map((grant) => grant.runId),
      ['undoing', 'stuck'],
    )
    const leaving: Leaving[] = []
    for (const work of batch) {
      const grant = grants.get(work.subject)
      const run = grant && runs.get(grant.runId)
      if (grant && run) leaving.push({ work, grant, run })
      // It was extended: the row that says so carries the new time, and this one is due again then.
      if (grant?.state === 'active' && grant.expiresAt)
        outcomes.set(work.id, Math.max(1, grant.expiresAt.getTime() - work.runAt.getTime()))
    }
    await this.journal.mark(
      tx,
      leaving.flatMap((one) =>
        powerOf(one.run.steps)
          .filter(mayHaveHappened)
          .map((step) => refOf(one, step)),
      ),
      'undoing',
    )
    return { leaving, outcomes }
  }

  private async clean(batch: readonly Work[], hold: Hold): Promise<Map<string, Outcome>> {
    const outcomes = new Map<string, Outcome>()
    const leaving = await this.database.transaction((tx) => this.beginClean(tx, batch))
    if (leaving.length === 0) return outcomes
    const reached = await this.reach(leaving, hold, outcomes)
    if (!reached) return outcomes
    const { connection, target } = reached
    const action = grantAccessOf(connection)
    const proved: (Leaving & { evidence: Evidence[] })[] = []
    const failed = await this.forEach(leaving, CLEANS_AT_ONCE, hold, outcomes, async (one) => {
      mustBeSameTarget(one.run, target)
      // Was something still there, then whatever was undone before may have come back: a call that was late, or somebody's hand.
      const isFirstTry = one.work.attempts === 1
      const steps = one.run.steps.filter((step) => mayHaveHappened(step) || (step.state === 'undone' && !isFirstTry))
      await this.runner.undo(connection, one.run, steps, hold)
      const evidence = (await action.verifyGone?.(this.runner.context(connection, one.run.id, hold), one.run.steps)) ?? []
      const left = evidence.filter((piece) => !piece.holds && piece.mayStay === undefined)
      if (left.length > 0) {
        throw new BrokerError(
          'target.incomplete',
          `still there: ${left.map((piece) => `${piece.artefact} (${piece.observed})`).join(', ')}`,
        )
      }
      proved.push({ ...one, evidence })
    })
    await this.database.transaction((tx) => this.settle(tx, proved, target))
    this.ended.add(proved.length)
    await noteFailures(this.database, failed)
    return outcomes
  }

  private async beginClean(tx: Tx, batch: readonly Work[]): Promise<Leaving[]> {
    const grants = await selectGrants(tx, `g.id = any($1) and g.state in ('revoking', 'stuck') order by g.id for update`, [
      batch.map((work) => work.subject),
    ])
    const byId = new Map(grants.map((grant) => [grant.id, grant]))
    const runs = await this.journal.claim(
      tx,
      grants.map((grant) => grant.runId),
      ['undoing', 'stuck'],
    )
    const leaving = batch.flatMap((work) => {
      const grant = byId.get(work.subject)
      const run = grant && runs.get(grant.runId)
      return grant && run ? [{ work, grant, run }] : []
    })
    await this.journal.mark(
      tx,
      leaving.flatMap((one) => one.run.steps.filter(mayHaveHappened).map((step) => refOf(one, step))),
      'undoing',
    )
    return leaving
  }

  private async settle(
    tx: Tx,
    proved: readonly (Leaving & { evidence: Evidence[] })[],
    target: TargetIdentity | undefined,
  ): Promise<void> {
    await lockGrants(tx, proved)
    const ours = await this.journal.stillOurs(
      tx,
      proved.map((one) => one.run),
    )
    const done = proved.filter((one) => ours.has(one.run.id))
    await this.journal.mark(
      tx,
      done.flatMap((one) => one.run.steps.map((step) => refOf(one, step))),
      'undone',
    )
    await transition(
      tx,
      done.map((one) => one.run.id),
      'settle',
    )
    const over = done.map(({ grant, run, evidence }) => ({
      grant,
      state: finalState(grant.endReason),
      receipt: receiptOf(grant, evidence, { target, recorded: run.target !== undefined }),
    }))
    await rows(
      tx,
      `update grants g set state = d.state, receipt = d.receipt, ended_at = clock_timestamp(), error = null
       from jsonb_to_recordset($1::jsonb) as d (id text, state text, receipt jsonb) where g.id = d.id`,
      [JSON.stringify(over.map(({ grant, state, receipt }) => ({ id: grant.id, state, receipt })))],
    )
    await record(
      tx,
      ...over.map(({ grant, state, receipt }) => ({
        kind: `grant.${state}` as const,
        actor: BROKER,
        subject: grant.id,
        data: { reason: grant.endReason, ...whyFailed(grant), receipt },
      })),
    )
  }

  /** The connection of a batch's one integration, and which system answers; without both, everything in the batch waits a little. */
  private async reach(
    leaving: readonly Leaving[],
    hold: Hold,
    outcomes: Map<string, Outcome>,
  ): Promise<{ connection: Connection; target: TargetIdentity | undefined } | undefined> {
    try {
      const connection = await this.connections.use(leaving[0]!.grant.integrationId)
      return { connection, target: await whoAnswers(connection) }
    } catch (error) {
      await noteFailures(this.database, await this.forEach(leaving, 1, hold, outcomes, () => Promise.reject(error)))
      return undefined
    }
  }

  /** One after another and some at once; what fails is put off. When the target is down the rest is not even tried. */
  private async forEach(
    leaving: readonly Leaving[],
    atOnce: number,
    hold: Hold,
    outcomes: Map<string, Outcome>,
    undo: (one: Leaving) => Promise<void>,
  ): Promise<Map<string, unknown>> {
    const shard = leaving[0]!.work.shard
    const failed = new Map<string, unknown>()
    let outage: unknown
    await inParallel(leaving, atOnce, async (one) => {
      try {
        if (outage) throw outage
        await undo(one)
      } catch (error) {
        if (isOutage(error)) outage = error
        failed.set(one.grant.id, error)
        if (isBrokerError(error, 'run.fenced')) return void outcomes.set(one.work.id, 1_000)
        if (!(error instanceof BrokerError)) this.log.error({ error, grant: one.grant.id }, 'revocation met a bug')
        outcomes.set(one.work.id, outage ? this.pauses.current(shard) : pauseFor(one.work.attempts, longestPauseMs(one.grant)))
      }
    })
    if (!outage) this.pauses.over(shard)
    if (outage) hold.pauseShard(this.pauses.longer(shard))
    return failed
  }
}

/** Before their runs, as everybody does. */
const lockGrants = (tx: Tx, leaving: readonly Leaving[]) =>
  rows(tx, 'select 1 from grants where id = any($1) order by id for update', [leaving.map(({ grant }) => grant.id)])
const refOf = (one: Leaving, step: { position: number }) => ({ run: one.run.id, position: step.position })
const finalState = (reason: EndReason | null): 'expired' | 'failed' | 'revoked' =>
  reason === 'expired' || reason === 'failed' ? reason : 'revoked'
