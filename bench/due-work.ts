import { waitFor } from '../dev/vault/vault-wait.ts'
import { type Broker, startBroker } from './broker.ts'
import { ENGINES, type Engine, type EngineName } from './due-work-engines.ts'
import { startVictim } from './due-work-victim.ts'
import { inWords, machine, median, printTable, RawSamples, seconds, spread } from './figures.ts'
import { bench, numbered, numbersFrom, say } from './run.ts'

const HELD = 10
const NAMES = Object.keys(ENGINES) as EngineName[]

interface Measured {
  readonly drain: number[]
  readonly delays: number[][]
  /** milliseconds until every job of a dead worker ran again; infinite when not within the patience */
  readonly killed: number
  readonly stopped: number
}

/** Why the broker has due work of its own: the same jobs for it and for two well-known job runners, on one embedded PostgreSQL. */
await bench(async (keep) => {
  const size = numbersFrom({ jobs: 10_000, spread: 20, pairs: 3, patience: 45 })
  const broker = keep(await startBroker(), (daemon) => daemon.stop())
  const about = machine(broker.versions)
  console.log(`due work: ${size.jobs} no-op jobs, due over ${size.spread} s for the start delay, ${size.pairs} rounds\n${about}`)
  const raw = new RawSamples('due-work', { about, size })
  const measured = Object.fromEntries(
    NAMES.map((name): [EngineName, Measured] => [name, { drain: [], delays: [], killed: 0, stopped: 0 }]),
  ) as Record<EngineName, Measured>
  for (const round of numbered(size.pairs)) {
    for (const name of NAMES) {
      say(`round ${round + 1} of ${size.pairs}: ${name}`)
      const engine = await prepared(broker, name)
      measured[name].drain.push(await drain(engine.engine, size.jobs))
      measured[name].delays.push(await startDelays(engine.engine, size.jobs, size.spread * 1000))
    }
  }
  for (const name of NAMES) {
    say(`a worker of ${name} dies with ${HELD} jobs in hand`)
    const killed = await runAgain(await prepared(broker, name), name, 'SIGKILL', size.patience * 1000)
    say(`a worker of ${name} stands still with ${HELD} jobs in hand`)
    const stopped = await runAgain(await prepared(broker, name), name, 'SIGSTOP', size.patience * 1000)
    measured[name] = { ...measured[name], killed, stopped }
  }
  raw.add('engines', measured)
  report(measured, size.patience)
  raw.write()
})

async function prepared(broker: Broker, name: EngineName): Promise<{ engine: Engine; url: string }> {
  const url = await broker.freshDatabase(`bench_${NAMES.indexOf(name)}`)
  const engine = ENGINES[name](url)
  await engine.prepare()
  return { engine, url }
}

/** Jobs a second, all due before the worker starts. */
async function drain(engine: Engine, count: number): Promise<number> {
  await engine.put(numbered(count).map((index) => ({ id: `d-${index}`, at: Date.now() - 1000 })))
  const done = new Set<string>()
  const began = performance.now()
  const worker = await engine.work(async (id) => void done.add(id))
  await waitFor('everything to be done', async () => done.size === count, 300_000)
  const tookMs = performance.now() - began
  await worker.stop()
  return (count * 1000) / tookMs
}

/** How much later than due each job of an even stream started. */
async function startDelays(engine: Engine, count: number, overMs: number): Promise<number[]> {
  const first = Date.now() + 5_000
  const jobs = numbered(count).map((index) => ({ id: `s-${index}`, at: Math.round(first + (index * overMs) / count) }))
  const due = new Map(jobs.map(({ id, at }) => [id, at]))
  await engine.put(jobs)
  if (Date.now() > first - 500) throw new Error('void: putting the jobs down took too long')
  const delays = new Map<string, number>()
  const worker = await engine.work(async (id) => {
    const at = due.get(id)
    if (at !== undefined && !delays.has(id)) delays.set(id, performance.timeOrigin + performance.now() - at)
  })
  await waitFor('everything to have started', async () => delays.size === count, overMs + 120_000)
  await worker.stop()
  return [...delays.values()]
}

/** Milliseconds until another worker has run what one had in hand that was killed, or that only stands still. */
async function runAgain(
  { engine, url }: { engine: Engine; url: string },
  name: EngineName,
  signal: 'SIGKILL' | 'SIGSTOP',
  patienceMs: number,
): Promise<number> {
  await engine.put(numbered(HELD).map((index) => ({ id: `k-${index}`, at: Date.now() - 1000 })))
  const victim = await startVictim(name, url, HELD)
  const again = new Set<string>()
  const worker = await engine.work(async (id) => void again.add(id))
  victim.kill(signal)
  const began = performance.now()
  try {
    await waitFor('the jobs to run again', async () => again.size === HELD, patienceMs)
    return performance.now() - began
  } catch {
    return Number.POSITIVE_INFINITY
  } finally {
    victim.kill('SIGKILL')
    await worker.stop()
  }
}

function report(measured: Record<EngineName, Measured>, patience: number): void {
  const back = (tookMs: number) => (Number.isFinite(tookMs) ? seconds(tookMs) : `not within ${patience} s`)
  printTable(
    ['', 'drained, jobs/s', 'start delay p50 / p99 / max', 'back after SIGKILL', 'back when it only stands still'],
    NAMES.map((name) => {
      const { drain: rates, delays, killed, stopped } = measured[name]
      const rate = Math.round(median(rates)).toLocaleString('en')
      return [name, rate, inWords(spread(delays.flat())), back(killed), back(stopped)]
    }),
  )
}
