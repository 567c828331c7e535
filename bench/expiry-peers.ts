import { setTimeout as sleep } from 'node:timers/promises'
import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import { PgBoss } from 'pg-boss'
import type { VaultServer } from '../dev/vault/vault-server.ts'
import { waitFor } from '../dev/vault/vault-wait.ts'
import { deletions, endOfAudit } from './audit-file.ts'
import { startProber } from './prober.ts'
import { atOnce, numbered } from './run.ts'
import { PROBED, type VaultLoop } from './vault-loop.ts'

const LEAD_MS = 6_000

/** The same policy deletes, driven by a job runner at the due moment. In milliseconds after it, by the audit file. */
export async function deletedBy(
  runner: JobRunner,
  vault: VaultServer,
  loop: VaultLoop,
  count: number,
  round: number,
): Promise<number[]> {
  const names = numbered(count).map((index) => `bench-job-${round}-${index}`)
  await atOnce(names, 16, (name) => loop.writePolicy(name))
  const audited = await endOfAudit(vault)
  const due = Date.now() + LEAD_MS
  let left = count
  const stop = await runner(names, new Date(due), async (name) => {
    await loop.deletePolicy(name)
    left -= 1
  })
  await waitFor('every policy to go', async () => left === 0, 120_000)
  await stop()
  return deletions(vault, audited, 'sys/policies/acl/bench-job-', due)
}

/** Puts jobs down for a moment and works on them; answers how to stop. */
type JobRunner = (names: readonly string[], at: Date, work: (name: string) => Promise<unknown>) => Promise<() => Promise<unknown>>

/** 24 in flight, half a second between polls, the local queue its documents suggest for throughput. */
export function byGraphileWorker(connectionString: string): JobRunner {
  return async (names, runAt, work) => {
    const utils = await makeWorkerUtils({ connectionString })
    await utils.migrate()
    await utils.addJobs(names.map((name) => ({ identifier: 'end', payload: { name }, runAt })))
    await utils.release()
    const runner = await run({
      connectionString,
      noHandleSignals: true,
      logger: new Logger(() => () => {}),
      taskList: { end: async (payload) => void (await work((payload as { name: string }).name)) },
      preset: { worker: { concurrentJobs: 24, pollInterval: 500, maxPoolSize: 26, localQueue: { size: 100 } } },
    })
    return () => runner.stop()
  }
}

/** Half a second between polls, its minimum; six workers that take a hundred each, all of a batch at once. */
export function byPgBoss(connectionString: string): JobRunner {
  return async (names, startAfter, work) => {
    const boss = new PgBoss({ connectionString, schedule: false })
    boss.on('error', console.error)
    await boss.start()
    await boss.createQueue('end')
    await boss.insert(
      'end',
      names.map((name) => ({ data: { name }, startAfter })),
    )
    const options = { batchSize: 100, pollingIntervalSeconds: 0.5, localConcurrency: 4 }
    await boss.work<{ name: string }>('end', options, (jobs) => atOnce(jobs, 8, ({ data }) => work(data.name)))
    return () => boss.stop({ graceful: false })
  }
}

/** Tokens whose time to live ends at one moment, and nobody who takes them away: the server's own expiry. */
export async function byTheServer(
  vault: VaultServer,
  loop: VaultLoop,
  size: { grants: number; opened: number; rate: number },
): Promise<{ probed: number[]; gone: number }> {
  await loop.writePolicy('bench-own')
  const before = await tokensOf(vault)
  const due = Date.now() + LEAD_MS + size.grants * 4
  const tokens: string[] = []
  await atOnce(numbered(size.grants), 16, async () => {
    const ttl = `${due - Date.now()}ms`
    const wanted = { ttl, explicit_max_ttl: ttl, no_parent: true, no_default_policy: true, policies: ['bench-own'] }
    const { auth } = await loop.caller.must('POST', '/v1/auth/token/create', wanted)
    tokens.push(auth.client_token)
  })
  const opened = tokens.slice(0, size.opened)
  const ends = await Promise.all(opened.map((token) => endOf(loop, token)))
  await sleep(Math.max(0, due - Date.now() - 2_500))
  const prober = startProber({ origin: vault.address, path: PROBED, tokens: opened, rate: size.rate })
  await sleep(Math.max(0, due - Date.now()))
  await waitFor('the server to have expired every token', async () => (await tokensOf(vault)) <= before, 120_000)
  const gone = Date.now() - due
  const met = await prober.stop()
  return { probed: met.map(({ answered }, index) => answered - (ends[index] ?? 0)), gone }
}

// A token lives from when the server made it, so each has an end of its own, a little after the due moment.
async function endOf(loop: VaultLoop, token: string): Promise<number> {
  const { data } = await loop.caller.must('POST', '/v1/auth/token/lookup', { token })
  return Date.parse(data.expire_time)
}

async function tokensOf(vault: VaultServer): Promise<number> {
  return (await vault.api('GET', 'auth/token/accessors?list=true')).body.data.keys.length
}
