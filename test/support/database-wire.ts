import net, { type AddressInfo, type Socket } from 'node:net'
import path from 'node:path'
import type { FreshDatabase } from './database.ts'
import { hasRows, isReady, Statements, stoodStill } from './statements.ts'

/** What befalls a statement: it never arrives; its answer is lost, with the connection or without a word; after it the session is ended. */
export type Mishap = 'before' | 'reset' | 'silence' | '25P03'

/** A way to a database that can break as networks do. */
export interface DatabaseWire {
  readonly database: FreshDatabase
  /** connections that were begun so far */
  readonly begun: number
  /** Our side hears that every connection is lost; the server hears nothing and keeps its side open. */
  breakUnnoticed(): void
  /** Nothing gets through any more, and nobody is told; new connections are accepted and stay silent, too. */
  silence(): void
  /** Connections that are begun from now on work. Those of the silence stay as they are. */
  speak(): void
  /** The connections of an `application_name` fall silent, and nobody is told. */
  mute(application: string): void
  /** The server does what the next statement with this text says; its answer is lost, with its connection or without a word. */
  loseAnswer(text: string, how: 'reset' | 'silence'): Promise<void>
  /** As `loseAnswer`, of the next statement with this text that is answered with rows. */
  loseRows(text: string, how: 'reset' | 'silence'): Promise<void>
  /** The next statement with this text never gets to the server: its connection breaks before. */
  loseStatement(text: string): Promise<void>
  /** What befalls each statement from now on; it is asked once for each. */
  judge(verdict: ((label: string, application: string) => Mishap | undefined) | undefined): void
  close(): Promise<void>
}

interface Pair {
  readonly near: Socket
  readonly far: Socket
  application: string
  isMute: boolean
  /** its next answer is lost */
  isDoomed?: Exclude<Mishap, 'before'> | undefined
  /** springs if there are rows in its next answer */
  trap?: Trap | undefined
  readonly statements: Statements
}

interface Trap {
  readonly text: string
  readonly how: Mishap
  readonly needsRows: boolean
  readonly struck: PromiseWithResolvers<void>
}

export async function wireTo(database: FreshDatabase): Promise<DatabaseWire> {
  const url = new URL(database.url.replace(/@[^/]+/, '@socket'))
  const folder = decodeURIComponent(/@([^/]+)\//.exec(database.url)?.[1] ?? '')
  const pairs = new Set<Pair>()
  const halves: Socket[] = []
  let traps: Trap[] = []
  let isSilent = false
  let begun = 0
  let verdict: Parameters<DatabaseWire['judge']>[0]

  function toServer(pair: Pair, chunk: Buffer): void {
    pair.application ||= /application_name\0([^\0]+)/.exec(chunk.toString('latin1'))?.[1] ?? ''
    for (const label of pair.statements.complete(chunk)) {
      const mishap = verdict?.(label, pair.application)
      if (mishap === 'before') {
        pair.near.destroy()
        return
      }
      if (mishap) pair.isDoomed = mishap
    }
    const trap = traps.find(({ text }) => chunk.includes(text))
    if (trap) {
      traps = traps.filter((other) => other !== trap)
      if (trap.needsRows) pair.trap = trap
      else trap.struck.resolve()
      if (trap.how === 'before') {
        pair.near.destroy()
        return
      }
      if (!trap.needsRows) pair.isDoomed = trap.how
    }
    if (!pair.isMute) pair.far.write(chunk)
  }

  function toClient(pair: Pair, chunk: Buffer): void {
    if (pair.trap && hasRows(chunk)) {
      if (pair.trap.how !== 'before') pair.isDoomed = pair.trap.how
      pair.trap.struck.resolve()
      pair.trap = undefined
    } else if (pair.trap && isReady(chunk)) {
      traps.push(pair.trap)
      pair.trap = undefined
    }
    if (pair.isDoomed === '25P03' && isReady(chunk)) {
      pair.near.end(Buffer.concat([chunk, stoodStill()]))
      pair.far.destroy()
      return
    }
    if (pair.isDoomed === 'reset') pair.near.destroy()
    if (pair.isDoomed === 'silence') pair.isMute = true
    if (!pair.isMute && !pair.near.destroyed) pair.near.write(chunk)
  }

  const server = net.createServer((near) => {
    begun += 1
    const far = net.connect(path.join(folder, '.s.PGSQL.5432'))
    const pair: Pair = { near, far, application: '', isMute: isSilent, statements: new Statements() }
    pairs.add(pair)
    near.on('data', (chunk) => toServer(pair, chunk))
    far.on('data', (chunk) => toClient(pair, chunk))
    near
      .on('error', () => {})
      .on('close', () => {
        // The server does not hear that a mute one is gone.
        if (pairs.delete(pair) && !pair.isMute) far.end()
        else halves.push(far)
      })
    far.on('error', () => {}).on('close', () => pair.isMute || near.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`

  function trap(text: string, how: Trap['how'], needsRows = false): Promise<void> {
    const struck = Promise.withResolvers<void>()
    traps.push({ text, how, needsRows, struck })
    return struck.promise
  }

  return {
    database: { ...database, url: url.href },
    get begun() {
      return begun
    },
    breakUnnoticed() {
      for (const pair of pairs) {
        pairs.delete(pair)
        pair.near.destroy()
      }
    },
    silence() {
      isSilent = true
      for (const pair of pairs) pair.isMute = true
    },
    speak() {
      isSilent = false
    },
    mute(application) {
      for (const pair of pairs) if (pair.application === application) pair.isMute = true
    },
    judge(by) {
      verdict = by
    },
    loseAnswer: (text, how) => trap(text, how),
    loseRows: (text, how) => trap(text, how, true),
    loseStatement: (text) => trap(text, 'before'),
    async close() {
      for (const socket of [...pairs].flatMap(({ near, far }) => [near, far])) socket.destroy()
      for (const far of halves) far.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
