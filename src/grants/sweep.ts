import { Injectable, Logger, type OnModuleInit } from '@nestjs/common'
import type { Counter } from '@opentelemetry/api'
import { Journal } from '../actions/journal.ts'
import { ActionRunner, grantAccessOf } from '../actions/runner.ts'
import { BROKER, record } from '../audit/record.ts'
import { type Connection, Connections } from '../integrations/connections.ts'
import { Database, rows } from '../platform/database.ts'
import { each, type Hold, type Outcome, type Work } from '../platform/due-lane.ts'
import { DueWork, enqueue } from '../platform/due-work.ts'
import { inParallel } from '../platform/in-parallel.ts'
import { Installation } from '../platform/installation.ts'
import { Metrics } from '../platform/metrics.ts'
import { type Evidence, isBrokerError, type Marked } from '../sdk/index.ts'
import { endNow } from './ending.ts'
import { GRANT_WORK, type Grant, selectGrants } from './grant.ts'

const EVERY_MS = 10 * 60_000
const AT_ONCE = 4

/** What a sweep found in one target. */
export interface SweepReport {
  /** ours, known to nobody: removed */
  readonly removed: string[]
  /** bears the prefix but not our mark: left alone */
  readonly foreign: string[]
  /** ours, but it could not be removed; the next sweep tries again */
  readonly left: string[]
  /** grants whose pieces were changed by somebody else: being revoked */
  readonly altered: string[]
}

/** Compares what bears our mark in a target with what the database knows, in both directions. Works from an empty database. */
@Injectable()
export class Sweep implements OnModuleInit {
  private readonly log = new Logger(Sweep.name)
  private readonly orphans: Counter
  private readonly altered: Counter

  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly journal: Journal,
    private readonly runner: ActionRunner,
    private readonly connections: Connections,
    private readonly installation: Installation,
    metrics: Metrics,
  ) {
    this.orphans = metrics.counter('latchkey_orphans_removed_total', 'pieces found in a target that no grant accounts for')
    this.altered = metrics.counter('latchkey_grants_altered_total', 'grants changed in the target by somebody else')
  }

  onModuleInit(): void {
    this.work.handle('background', GRANT_WORK.sweep, (batch, hold) => each(batch, (work) => this.due(work, hold)))
  }

  async sweep(integrationId: string, signal: AbortSignal): Promise<SweepReport> {
    const connection = await this.connections.use(integrationId)
    const report: SweepReport = { removed: [], foreign: [], left: [], altered: [] }
    let page: Marked[] = []
    for await (const piece of connection.plugin.marked?.(connection.client, signal) ?? []) {
      page.push(piece)
      if (page.length < 200) continue
      await this.judge(integrationId, page, report)
      page = []
    }
    await this.judge(integrationId, page, report)
    await this.compareGrants(connection, integrationId, report, signal)
    return report
  }

  private async due(work: Work, hold: Hold): Promise<Outcome> {
    const active = await rows(this.database.pool, `select 1 from integrations where id = $1 and state <> 'removed'`, [
      work.subject,
    ])
    if (active.length === 0) return 'done'
    await this.sweep(work.subject, hold.signal)
    return EVERY_MS * (0.9 + Math.random() / 5)
  }

  /** The target was read before the database is asked: whatever a grant creates has its row first, so nothing living looks orphaned. */
  private async judge(integrationId: string, pieces: readonly Marked[], report: SweepReport): Promise<void> {
    if (pieces.length === 0) return
    const live = await rows<{ id: string }>(
      this.database.pool,
      `select id from action_runs where id = any($1) and state not in ('undone', 'failed')`,
      [pieces.flatMap((piece) => piece.runId ?? [])],
    )
    const known = new Set(live.map((run) => run.id))
    for (const piece of pieces) {
      if (piece.runId && known.has(piece.runId)) continue
      if (piece.instance !== this.installation.instance) {
        report.foreign.push(piece.artefact)
        continue
      }
      await this.remove(integrationId, piece, report)
    }
  }

  private async remove(integrationId: string, piece: Marked, report: SweepReport): Promise<void> {
    try {
      await piece.remove()
    } catch (error) {
      this.log.warn({ error, artefact: piece.artefact }, 'an orphan could not be removed')
      report.left.push(piece.artefact)
      return
    }
    report.removed.push(piece.artefact)
    this.orphans.add(1)
    await this.database.transaction((tx) =>
      record(tx, {
        kind: 'orphan.removed',
        actor: BROKER,
        subject: integrationId,
        data: { artefact: piece.artefact, run: piece.runId },
      }),
    )
  }

  /** A grant whose policy or user somebody else edited is not what was approved any more: it ends. */
  private async compareGrants(
    connection: Connection,
    integrationId: string,
    report: SweepReport,
    signal: AbortSignal,
  ): Promise<void> {
    const action = connection.plugin.grantAccess
    if (!action?.verify) return
    const grants = await selectGrants(
      this.database.pool,
      `g.integration_id = $1 and g.state = 'active' and g.target_until = g.expires_at and g.expires_at > clock_timestamp() + interval '30 s'`,
      [integrationId],
    )
    await inParallel(grants, AT_ONCE, async (grant) => {
      signal.throwIfAborted()
      const wrong = (await this.verify(connection, grant)).filter((piece) => !piece.holds)
      if (wrong.length === 0) return
      report.altered.push(grant.id)
      this.altered.add(1)
      const note = `changed outside the broker: ${wrong.map((piece) => `${piece.artefact} (${piece.observed})`).join(', ')}`
      await this.database.transaction(async (tx) => {
        // Only if it still stands as it stood when we compared: an extension in between explains the difference.
        const same = await selectGrants(tx, `g.id = $1 and g.state = 'active' and g.target_until = $2 for update`, [
          grant.id,
          grant.targetUntil,
        ])
        if (same.length > 0) await endNow(tx, [grant.id], { reason: 'revoked', note })
      })
      this.work.wake('cut')
    })
  }

  private async verify(connection: Connection, grant: Grant): Promise<Evidence[]> {
    const steps = await this.journal.read(this.database.pool, grant.runId)
    const context = this.runner.context(connection, grant.runId, { isOurs: () => true }, grant.targetUntil ?? undefined)
    try {
      return (await grantAccessOf(connection).verify?.(context, steps)) ?? []
    } catch (error) {
      if (!isBrokerError(error)) throw error
      return [] // the target cannot be asked now; that is not a finding
    }
  }

  /** Every integration is swept soon after a start, and then every ten minutes. */
  async schedule(): Promise<void> {
    const due = await rows<{ id: string }>(
      this.database.pool,
      `select id from integrations i where state <> 'removed'
         and not exists (select 1 from due_work w where w.kind = $1 and w.subject = i.id and w.run_at < clock_timestamp() + interval '5 s')`,
      [GRANT_WORK.sweep],
    )
    await enqueue(
      this.database.pool,
      due.map(({ id }) => ({ lane: 'background', kind: GRANT_WORK.sweep, subject: id, shard: id })),
    )
  }
}
