import { Inject, Injectable, type OnModuleInit } from '@nestjs/common'
import type { Counter, Histogram } from '@opentelemetry/api'
import { shownCalls } from '../../actions/calls.ts'
import { type Leaving, type Proved, Undo, type UndoHooks } from '../../actions/undo.ts'
import type { Config } from '../../config/config.ts'
import type { Hold, Outcome, Work } from '../../platform/due/due-lane.ts'
import { DueWork, enqueue } from '../../platform/due/due-work.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { rows, type Tx, UrgentDatabase } from '../../platform/postgres/database.ts'
import { Metrics } from '../../platform/watching/metrics.ts'
import { type EndReason, GRANT_WORK, type Grant, selectGrants } from '../grant.ts'
import { GrantNews } from '../news.ts'
import { move } from '../transition.ts'
import { beginEnding } from './ending.ts'
import { noteFailures, whyFailed } from './failures.ts'
import { receiptOf } from './receipt.ts'

/** A grant on its way out and the run this process holds for it. */
interface LeavingGrant extends Leaving {
  readonly grant: Grant
}

/** Ends grants: each is a run that is taken back, first its power, then the rest with proof, which is its receipt. Never gives up. */
@Injectable()
export class Revocation implements OnModuleInit {
  private readonly lag: Histogram
  private readonly ended: Counter

  constructor(
    private readonly database: UrgentDatabase,
    private readonly work: DueWork,
    private readonly undo: Undo,
    private readonly news: GrantNews,
    @Inject(CONFIG) private readonly config: Config,
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
    const tried = await this.undo.takePower(leaving, hold, {
      ...this.hooks(leaving),
      powerless: (tx, done) => this.powerless(tx, done),
    })
    this.work.wake('clean')
    return new Map([...outcomes, ...tried])
  }

  /** Ends what is due, claims the runs, and journals the intent: one transaction for the whole batch. */
  private async beginCut(tx: Tx, batch: readonly Work[]): Promise<{ leaving: LeavingGrant[]; outcomes: Map<string, Outcome> }> {
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
    const grants = await selectGrants(tx, 'g.id = any($1)', [subjects])
    const leaving = await this.begin(tx, batch, grants.filter(isLeaving), 'power')
    const byId = new Map(grants.map((grant) => [grant.id, grant]))
    for (const work of batch) {
      const grant = byId.get(work.subject)
      // It was extended: the row that says so carries the new time, and this one is due again then.
      if (grant?.state === 'active' && grant.expiresAt)
        outcomes.set(work.id, Math.max(1, grant.expiresAt.getTime() - work.runAt.getTime()))
    }
    return { leaving, outcomes }
  }

  private async powerless(tx: Tx, done: readonly LeavingGrant[]): Promise<void> {
    const lags = await rows<{ seconds: number }>(
      tx,
      `update grants set cut_at = coalesce(cut_at, clock_timestamp()), error = null where id = any($1)
       returning extract(epoch from cut_at - case when end_reason = 'expired' then expires_at else revoking_at end)::float as seconds`,
      [done.map(({ grant }) => grant.id)],
    )
    for (const { seconds } of lags) this.lag.record(Math.max(0, seconds))
    await enqueue(
      tx,
      done.map(({ grant }) => ({ lane: 'clean', kind: GRANT_WORK.clean, subject: grant.id, shard: grant.integrationId })),
    )
  }

  private async clean(batch: readonly Work[], hold: Hold): Promise<Map<string, Outcome>> {
    const leaving = await this.database.transaction((tx) => this.beginClean(tx, batch))
    if (leaving.length === 0) return new Map()
    let over = 0
    const outcomes = await this.undo.finish(leaving, hold, {
      ...this.hooks(leaving),
      gone: async (tx, proved) => {
        over = proved.length
        await this.settle(tx, proved)
      },
    })
    this.ended.add(over)
    this.news.tell(leaving.map(({ grant }) => grant.id))
    return outcomes
  }

  private async beginClean(tx: Tx, batch: readonly Work[]): Promise<LeavingGrant[]> {
    const grants = await selectGrants(tx, `g.id = any($1) and g.state in ('revoking', 'stuck') order by g.id for update`, [
      batch.map((work) => work.subject),
    ])
    return this.begin(tx, batch, grants, 'all')
  }

  private async begin(tx: Tx, batch: readonly Work[], grants: readonly Grant[], which: 'power' | 'all'): Promise<LeavingGrant[]> {
    const byId = new Map(grants.map((grant) => [grant.id, grant]))
    const runs = await this.undo.begin(
      tx,
      grants.map((grant) => grant.runId),
      which,
    )
    return batch.flatMap((work) => {
      const grant = byId.get(work.subject)
      const run = grant && runs.get(grant.runId)
      return grant && run ? [{ work, grant, run, isStuck: grant.state === 'stuck' }] : []
    })
  }

  private async settle(tx: Tx, proved: readonly Proved<LeavingGrant>[]): Promise<void> {
    for (const [event, over] of Map.groupBy(proved, ({ grant }) => goneBy(grant.endReason))) {
      await move(
        tx,
        event,
        over.map(({ grant, run, evidence, target, beyond, calls }) => {
          const receipt = receiptOf(grant, evidence, { target, beyond, recorded: run.target !== undefined })
          const data = () => ({ reason: receipt.reason, ...whyFailed(grant), receipt, calls: shownCalls(calls) })
          return { id: grant.id, given: { receipt }, data }
        }),
      )
    }
  }

  /** A grant is locked before its run, by everybody. */
  private hooks(leaving: readonly LeavingGrant[]): UndoHooks<LeavingGrant> {
    const grantOf = new Map(leaving.map(({ run, grant }) => [run.id, grant.id]))
    return {
      lock: (tx, some) =>
        rows(tx, 'select 1 from grants where id = any($1) order by id for update', [some.map(({ grant }) => grant.id)]),
      failed: (failed) =>
        noteFailures(
          this.database,
          new Map([...failed].map(([run, error]) => [grantOf.get(run)!, error] as const)),
          this.config.stuckAfterSeconds,
        ),
    }
  }
}

const isLeaving = ({ state }: Grant) => state === 'revoking' || state === 'stuck'
const goneBy = (reason: EndReason | null) =>
  reason === 'expired' || reason === 'failed' ? (`gone_${reason}` as const) : 'gone_revoked'
