import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Caller } from './caller.ts'

export interface Probing {
  readonly origin: string
  readonly path: string
  readonly tokens: readonly string[]
  /** calls in a second, all tokens together */
  readonly rate: number
}

/** What one token met: when its last success was asked for and had been answered, in milliseconds since 1970. */
export interface Met {
  readonly asked: number
  readonly answered: number
  readonly successes: number
}

export interface Prober {
  /** what was met, token by token */
  stop(): Promise<Met[]>
}

/** Asks the server with each token in turn, from a process of its own, so that nobody's busy moment hides an answer. */
export function startProber(probing: Probing): Prober {
  const child = fork(import.meta.filename, ['probe'])
  child.send(probing)
  return { stop: () => finish(child) }
}

async function finish(child: ChildProcess): Promise<Met[]> {
  const told = once(child, 'message')
  const died = once(child, 'exit').then(() => Promise.reject(new Error('void: the prober died')))
  died.catch(() => {}) // it also ends when it has told
  child.send('stop')
  const [met] = await Promise.race([told, died])
  child.disconnect()
  return met as Met[]
}

const TICK_MS = 4
const IN_FLIGHT = 32
const REFUSALS_BELIEVED = 20

async function probe({ origin, path, tokens, rate }: Probing, stop: AbortSignal): Promise<Met[]> {
  const caller = Caller.to(origin, {}, IN_FLIGHT)
  const met = tokens.map(() => ({ asked: 0, answered: 0, successes: 0, refusals: 0 }))
  // Who was refused often enough makes room, and the others are asked the more often.
  let asking = tokens.map((token, index) => ({ token, one: met[index]! }))
  let inFlight = 0
  const ask = async ({ token, one }: (typeof asking)[number]) => {
    inFlight += 1
    const asked = now()
    const { status } = await caller.send('GET', path, undefined, { 'x-vault-token': token })
    inFlight -= 1
    if (status === 200) Object.assign(one, { asked, answered: now(), successes: one.successes + 1, refusals: 0 })
    if (status !== 200) one.refusals += 1
    if (one.refusals >= REFUSALS_BELIEVED) asking = asking.filter((each) => each.one !== one)
  }
  const began = now()
  let turn = 0
  for (let sent = 0; !stop.aborted; ) {
    const due = Math.floor(((now() - began) / 1000) * rate)
    for (; sent < due && inFlight < IN_FLIGHT && asking.length > 0; sent += 1) void ask(asking[turn++ % asking.length]!)
    sent = due // what there was no room for is left out, not made up for
    await sleep(TICK_MS)
  }
  while (inFlight > 0) await sleep(TICK_MS)
  await caller.close()
  return met
}

function now(): number {
  return performance.timeOrigin + performance.now()
}

if (process.argv[2] === 'probe') {
  const stopping = new AbortController()
  process.once('disconnect', () => process.exit())
  process.on('message', (message: Probing | 'stop') => {
    if (message === 'stop') return stopping.abort()
    void probe(message, stopping.signal).then((met) => process.send?.(met))
  })
}
