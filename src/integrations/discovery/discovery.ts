import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common'
import { z } from 'zod'
import { BROKER, record } from '../../audit/record.ts'
import { Catalog } from '../../catalog/catalog.ts'
import type { Config } from '../../config/config.ts'
import type { DiscoveryRunView, ListQuery } from '../../contract/integrations.ts'
import type { Page } from '../../contract/lists.ts'
import { each, type Hold, type Outcome } from '../../platform/due/due-lane.ts'
import { type DueItem, DueWork, enqueue } from '../../platform/due/due-work.ts'
import { type CursorKind, Cursors } from '../../platform/http/cursors.ts'
import { problemOf } from '../../platform/http/problem-of.ts'
import { newId } from '../../platform/ids.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError, isBrokerError } from '../../sdk/index.ts'
import { Connections } from '../connections/connections.ts'
import { findIntegration } from '../integration.ts'
import { readDetails } from './details.ts'
import { type DiscoveryRun, endRun, lost, selectRuns, takeOver, viewOf } from './discovery-run.ts'
import { Progress } from './progress.ts'
import { knownFolders } from './resource-writes.ts'
import { PACE, type Pace, retireVanished, walkNames } from './walk.ts'

export const DISCOVERY_WORK = 'integration.discover'
const RETRY_MS = 5 * 60_000
/** until the work is offered again, for a replica that has the plugin */
const ELSEWHERE_MS = 60_000
const RUNS_KEPT = 100
const ANALYZE_AFTER = 5_000

const RUNS: CursorKind<string> = { list: 'discovery-runs', position: z.string() }

/** Keeps what is known of each target like the target: by its schedule, and when asked. One run at a time per integration. */
@Injectable()
export class Discovery implements OnModuleInit {
  private readonly log = new Logger(Discovery.name)
  pace: Pace = PACE

  constructor(
    private readonly database: Database,
    private readonly catalog: Catalog,
    private readonly connections: Connections,
    private readonly work: DueWork,
    private readonly cursors: Cursors,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.work.handle('background', DISCOVERY_WORK, (batch, hold) => each(batch, ({ subject }) => this.discover(subject, hold)))
  }

  /** A run, and whether this call began it: of two calls, one does. */
  async start(by: string, integrationId: string): Promise<{ run: DiscoveryRunView; began: boolean }> {
    const began = await this.database.transaction(async (tx) => {
      const integration = await findIntegration(tx, integrationId, 'for share')
      if (integration.state !== 'active')
        throw new BrokerError('conflict', `${integration.name} is paused`, { fix: 'resume the integration first' })
      const plugin = this.catalog.get(integration.plugin)
      if (!plugin.discover) throw new BrokerError('target.unsupported', `${plugin.manifest.name} cannot discover resources`)
      if (!(await begin(tx, integrationId, by))) return false
      await enqueue(tx, [discoveryWork(integrationId)])
      return true
    })
    if (began) this.work.wake('background')
    return { run: await this.latest(integrationId), began }
  }

  async latest(integrationId: string): Promise<DiscoveryRunView> {
    await findIntegration(this.database.pool, integrationId)
    const [run] = await selectRuns(this.database.pool, 'integration_id = $1 order by started_at desc, id desc limit 1', [
      integrationId,
    ])
    if (!run) throw new BrokerError('not_found', `the resources of ${integrationId} were not discovered yet`)
    return viewOf(run)
  }

  async page(integrationId: string, { limit, cursor }: ListQuery): Promise<Page<DiscoveryRunView>> {
    await findIntegration(this.database.pool, integrationId)
    const before = this.cursors.read(RUNS, cursor)
    const found = await selectRuns(
      this.database.pool,
      'integration_id = $1 and ($2::text is null or id < $2) order by id desc limit $3',
      [integrationId, before ?? null, limit + 1],
    )
    return this.cursors.page(RUNS, found, limit, ({ id }) => id, viewOf)
  }

  private async discover(integrationId: string, hold: Hold): Promise<Outcome> {
    const run = await this.claim(integrationId)
    if (run === 'of another') return ELSEWHERE_MS
    if (!run) return 'done'
    try {
      const state = await this.perform(run, hold)
      this.log.log({ integration: integrationId, run: run.id, state }, 'looked through an integration')
      return this.nextMs()
    } catch (error) {
      if (hold.signal.aborted) return 1 // the next one goes on from the last checkpoint
      if (isBrokerError(error, 'run.fenced')) return this.nextMs()
      if (!(error instanceof BrokerError)) this.log.error({ error, run: run.id }, 'discovery met a bug')
      await this.finish(run, 'failed', problemOf(error))
      return Math.min(RETRY_MS, this.nextMs())
    }
  }

  /** The run under way or a new one; undefined when there is nothing to look through. A plugin this replica lacks may be another's. */
  private claim(integrationId: string): Promise<DiscoveryRun | 'of another' | undefined> {
    return this.database.transaction(async (tx) => {
      const living = await row<{ plugin: string }>(
        tx,
        `select plugin from integrations where id = $1 and state = 'active' for share`,
        [integrationId],
      )
      if (!living) return undefined
      const plugin = this.catalog.find(living.plugin)
      if (!plugin) return 'of another'
      if (!plugin.discover) return undefined
      await begin(tx, integrationId, null)
      return takeOver(tx, integrationId)
    })
  }

  private async perform(run: DiscoveryRun, hold: Hold): Promise<DiscoveryRun['state']> {
    const connection = await this.connections.use(run.integrationId)
    const progress = new Progress(this.database, run, new Set(await knownFolders(this.database.pool, run.integrationId)))
    if (progress.phase === 'names') {
      await walkNames(this.database, connection, progress, hold.signal, this.pace)
      if (progress.isComplete) await retireVanished(this.database, progress)
      else if (progress.frontier.size > 0) progress.notice(`${progress.frontier.size} folders were named and never came`)
      // Left to itself PostgreSQL would notice minutes later, and sort the whole table for every page until then.
      if (progress.written > ANALYZE_AFTER) await rows(this.database.pool, 'analyze resources')
      progress.phase = 'details'
      await progress.save('now')
    }
    const state = progress.isComplete ? 'completed' : 'incomplete'
    try {
      await readDetails(this.database, connection, progress, hold.signal, this.pace.stallMs)
    } catch (error) {
      // The names are known and right; without the tags they are less than they could be.
      if (!(error instanceof BrokerError) || hold.signal.aborted || error.code === 'run.fenced') throw error
      await this.finish(run, 'incomplete', problemOf(error))
      return 'incomplete'
    }
    await this.finish(run, state)
    return state
  }

  private async finish(
    run: DiscoveryRun,
    state: Exclude<DiscoveryRun['state'], 'running'>,
    error?: ReturnType<typeof problemOf>,
  ): Promise<void> {
    await this.database.transaction(async (tx) => {
      const counts = await endRun(tx, run, state, error)
      if (!counts) throw lost(run)
      await record(tx, {
        kind: `discovery.${state}`,
        actor: run.startedBy ?? BROKER,
        subject: run.integrationId,
        data: { run: run.id, ...counts, error: error?.message },
      })
      await rows(
        tx,
        `delete from discovery_runs where integration_id = $1 and id in (
           select id from discovery_runs where integration_id = $1 order by started_at desc offset $2)`,
        [run.integrationId, RUNS_KEPT],
      )
    })
  }

  /** The schedule, a little off, so that integrations do not march in step. */
  private nextMs(): number {
    return this.config.discoveryMinutes * 60_000 * (0.9 + Math.random() / 5)
  }
}

export function discoveryWork(integrationId: string): DueItem {
  return { lane: 'background', kind: DISCOVERY_WORK, subject: integrationId, shard: integrationId }
}

/** True when there was no run under way. */
async function begin(tx: Tx, integrationId: string, by: string | null): Promise<boolean> {
  const begun = await row(
    tx,
    `insert into discovery_runs (id, integration_id, state, started_by) values ($1, $2, 'running', $3)
     on conflict (integration_id) where state = 'running' do nothing returning 1`,
    [newId('syn'), integrationId, by],
  )
  return begun !== undefined
}
