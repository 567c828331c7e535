import { setImmediate as turn } from 'node:timers/promises'
import { BrokerError } from '../../src/sdk/index.ts'
import type { Meddling, Mishap } from './commands.ts'

/** A user of the small vault, made for one run; nobody can get in with it until it is opened. */
export interface Account {
  readonly run: string
  readonly instance: string
  password?: string
}

/** What confers power on the account of the same run. */
export interface Rule {
  readonly run: string
  readonly instance: string
  /** by the vault's clock, milliseconds */
  readonly until: number
  readonly opens: string
}

interface Key {
  readonly account: string
  readonly endsAt: number
}

interface State {
  readonly accounts: Map<string, Account>
  readonly rules: Map<string, Rule>
  readonly keys: Map<string, Key>
  /** what the first use of an account leaves behind, and its deletion does not take away */
  readonly shadows: Set<string>
  /** what somebody else put there; the broker has no business with it */
  readonly strange: Set<string>
}

export const accountOf = (run: string) => `lk-${run}`
export const ruleOf = (run: string) => `lk-r-${run}`

/**
 * A target in memory that behaves as a Vault does: a rule confers power at every use, so that deleting it ends all at once; a deleted
 * account leaves its keys and its shadow behind; keys end by its own clock. And it can be away, lose answers and be put back.
 */
export class SmallVault {
  private state: State = { accounts: new Map(), rules: new Map(), keys: new Map(), shadows: new Set(), strange: new Set() }
  private kept: State | undefined
  private turnedMs = 0
  private minted = 0
  isDown = false
  /** what befalls the next calls, one after another */
  mishaps: Mishap[] = []
  /** everything that was ever made for a run */
  readonly made = new Map<string, Set<string>>()

  get accounts() {
    return this.state.accounts
  }
  get rules() {
    return this.state.rules
  }
  get keys() {
    return this.state.keys
  }
  get shadows() {
    return this.state.shadows
  }

  /** One call over the network: its caller may die before it arrives or before it is answered. */
  async call<Result>(caller: { readonly isDead: boolean }, effect: () => Result): Promise<Result> {
    await turn()
    if (this.isDown || caller.isDead) throw unreachable('it does not answer')
    const mishap = this.mishaps[0] === 'ignored' ? undefined : this.mishaps.shift()
    if (mishap === 'unheard') throw unreachable('the call was lost')
    const result = effect()
    await turn()
    if (mishap === 'unanswered' || caller.isDead) throw unreachable('the answer was lost')
    return result
  }

  /** The same, to have something taken away. */
  remove(caller: { readonly isDead: boolean }, effect: () => void): Promise<void> {
    const isIgnored = this.mishaps[0] === 'ignored'
    if (isIgnored) this.mishaps.shift()
    return this.call(caller, isIgnored ? () => {} : effect)
  }

  note(run: string, piece: string): void {
    this.made.set(run, (this.made.get(run) ?? new Set()).add(piece))
  }

  /** Logs somebody in. */
  mint(account: string, endsAt: number): string {
    this.minted += 1
    const key = `key-${this.minted}`
    this.keys.set(key, { account, endsAt })
    this.shadows.add(account)
    const run = this.accounts.get(account)?.run
    if (run !== undefined) for (const piece of [`keys of ${account}`, `shadow ${account}`]) this.note(run, piece)
    return key
  }

  cutKeys(account: string): void {
    for (const [key, { account: of }] of this.keys) if (of === account) this.keys.delete(key)
  }

  /** Whether a key opens the thing now. */
  opens(key: string, thing: string): boolean {
    const held = this.keys.get(key)
    const account = held && this.accounts.get(held.account)
    if (!account || held.endsAt <= this.now()) return false
    return this.rules.get(ruleOf(account.run))?.opens === thing
  }

  /** Whether somebody could log in with it and do something. */
  lets(account: string, password: string): boolean {
    const known = this.accounts.get(account)
    return known?.password === password && this.rules.has(ruleOf(known.run))
  }

  /** Keys that open something, and accounts that somebody could log in to and then would. */
  powers(): { run: string; how: string }[] {
    const found: { run: string; how: string }[] = []
    for (const [key, { account }] of this.keys) {
      const run = this.accounts.get(account)?.run
      const rule = run === undefined ? undefined : this.rules.get(ruleOf(run))
      if (run !== undefined && rule && this.opens(key, rule.opens)) found.push({ run, how: key })
    }
    for (const [name, { run, password }] of this.accounts)
      if (password !== undefined && this.rules.has(ruleOf(run))) found.push({ run, how: `password of ${name}` })
    return found
  }

  /** Pieces of a run that are there. */
  piecesOf(run: string): string[] {
    const account = accountOf(run)
    return [
      this.rules.has(ruleOf(run)) && `rule ${ruleOf(run)}`,
      this.accounts.has(account) && `account ${account}`,
      [...this.keys.values()].some((key) => key.account === account) && `keys of ${account}`,
      this.shadows.has(account) && `shadow ${account}`,
    ].filter((piece) => piece !== false)
  }

  /** Somebody else's hand, past the broker. */
  meddle(run: string, how: Meddling): void {
    const rule = this.rules.get(ruleOf(run))
    if (how === 'account deleted') this.accounts.delete(accountOf(run))
    if (how === 'rule deleted') this.rules.delete(ruleOf(run))
    if (!rule) return
    if (how === 'rule changed') this.rules.set(ruleOf(run), { ...rule, until: rule.until + 3_600_000 })
    if (how !== 'rule copied') return
    const copy = `${ruleOf(run)}-${this.state.strange.size}`
    this.state.strange.add(copy)
    this.rules.set(copy, rule)
  }

  /** What somebody else put there and is there no more. */
  missed(): string[] {
    return [...this.state.strange].filter((name) => !this.rules.has(name))
  }

  now(): number {
    return Date.now() + this.turnedMs
  }

  /** A moment of the broker's, by the vault's clock. */
  at(moment: Date): number {
    return moment.getTime() + this.turnedMs
  }

  turn(ms: number): void {
    this.turnedMs += ms
  }

  /** Keeps its state as it is. */
  keep(): void {
    this.kept = structuredClone(this.state)
  }

  putBack(): void {
    if (this.kept) this.state = structuredClone(this.kept)
  }
}

function unreachable(why: string): BrokerError {
  return new BrokerError('target.unreachable', `the small vault: ${why}`)
}
