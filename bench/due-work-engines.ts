import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import pg from 'pg'
import { PgBoss } from 'pg-boss'
import { DueWork, enqueue } from '../src/platform/due/due-work.ts'
import { migrate } from '../src/platform/postgres/migrate.ts'

export interface Job {
  readonly id: string
  /** milliseconds since 1970 */
  readonly at: number
}

/** One way to do work at its time. Each is used through this, in this process or in one of its own. */
export interface Engine {
  /** makes its tables; asked once, before anything else */
  prepare(): Promise<void>
  put(jobs: readonly Job[]): Promise<void>
  /** works until it is stopped; `perform` may be called for many at once */
  work(perform: (id: string) => Promise<void>): Promise<{ stop(): Promise<void> }>
}

const SHARDS = 20

/** The broker's own lanes, as it uses them for taking power away; as if for twenty integrations. */
function latchkey(url: string): Engine {
  return {
    prepare: async () => void (await migrate(url)),
    async put(jobs) {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      const tx = { query: async (statement: string, values?: unknown[]) => (await client.query(statement, values)).rows }
      const items = jobs.map(({ id, at }, index) => {
        return { lane: 'cut', kind: 'bench', subject: id, shard: String(index % SHARDS), at: new Date(at) } as const
      })
      await enqueue(tx as Parameters<typeof enqueue>[0], items)
      await client.end()
    },
    async work(perform) {
      const work = new DueWork(url)
      work.handle('cut', 'bench', async (batch) => {
        await Promise.all(batch.map(({ subject }) => perform(subject)))
        return new Map()
      })
      work.onApplicationBootstrap()
      return { stop: () => work.beforeApplicationShutdown() }
    },
  }
}

/** Half a second between polls is the least it takes. A heartbeat and frequent supervision are set, or the dead go unnoticed for minutes. */
function pgBoss(connectionString: string): Engine {
  const open = async () => {
    const boss = new PgBoss({ connectionString, schedule: false, superviseIntervalSeconds: 1, monitorIntervalSeconds: 1 })
    boss.on('error', console.error)
    await boss.start()
    return boss
  }
  return {
    async prepare() {
      const boss = await open()
      await boss.createQueue('bench', { heartbeatSeconds: 10, retryLimit: 5 })
      await boss.stop({ graceful: false })
    },
    async put(jobs) {
      const boss = await open()
      await boss.insert(
        'bench',
        jobs.map(({ id, at }) => ({ data: { id }, startAfter: new Date(at) })),
      )
      await boss.stop({ graceful: false })
    },
    async work(perform) {
      const boss = await open()
      const options = { batchSize: 100, localConcurrency: 4, pollingIntervalSeconds: 0.5 }
      await boss.work<{ id: string }>('bench', options, async (jobs) => {
        await Promise.all(jobs.map(({ data }) => perform(data.id)))
      })
      return { stop: () => boss.stop({ graceful: false }) }
    },
  }
}

/** With the local queue and the batched completion that its documents suggest for throughput, or as it comes. */
function graphileWorker(connectionString: string, tuned: boolean): Engine {
  const quiet = new Logger(() => () => {})
  const tuning = tuned ? { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } : {}
  return {
    async prepare() {
      const utils = await makeWorkerUtils({ connectionString, logger: quiet })
      await utils.migrate()
      await utils.release()
    },
    async put(jobs) {
      const utils = await makeWorkerUtils({ connectionString, logger: quiet })
      await utils.addJobs(jobs.map(({ id, at }) => ({ identifier: 'bench', payload: { id }, runAt: new Date(at) })))
      await utils.release()
    },
    async work(perform) {
      const runner = await run({
        connectionString,
        noHandleSignals: true,
        logger: quiet,
        taskList: { bench: (payload) => perform((payload as { id: string }).id) },
        preset: { worker: { concurrentJobs: 24, pollInterval: 500, maxPoolSize: 26, ...tuning } },
      })
      return { stop: () => runner.stop() }
    },
  }
}

export const ENGINES = {
  latchkey: (url) => latchkey(url),
  'pg-boss': (url) => pgBoss(url),
  'graphile-worker': (url) => graphileWorker(url, false),
  'graphile-worker, local queue': (url) => graphileWorker(url, true),
} as const satisfies Record<string, (url: string) => Engine>
export type EngineName = keyof typeof ENGINES
