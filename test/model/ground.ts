import type { AnyPlugin } from '../../src/sdk/index.ts'
import type { Meddling, Mishap } from './commands.ts'
import type { Life } from './small-vault-plugin.ts'

/** Where access is given: a target, looked at and meddled with past the broker. Each story has a place of its own there. */
export interface Ground {
  /** for every daemon; the broker's own when left out */
  readonly plugins?: (life: Life) => readonly AnyPlugin[]
  begin(): Promise<Place>
  close(): Promise<void>
}

export interface Place {
  readonly integration: { readonly plugin: string; readonly config: Readonly<Record<string, unknown>> }
  /** what everybody asks for */
  readonly resource: { readonly type: string; readonly name: string; readonly permission: string }
  goAway(): void
  comeBack(): void
  /** So many of the next calls go wrong like that; none when it is 0. */
  fail(how: Mishap, times: number): void
  /** Its clock goes on; undefined where nobody can turn it. */
  readonly turn: ((ms: number) => void) | undefined
  /** What somebody holds who was shown these fields. */
  receive(run: string, fields: Readonly<Record<string, string>>): Promise<Credential>
  meddle(run: string, how: Meddling): Promise<void>
  /** Keeps the target's state, and puts it back; undefined where nobody can. */
  readonly past: { keep(): void; putBack(): void } | undefined
  /** What somebody else put there, and the broker took away. */
  missed(): Promise<readonly string[]>
  /** Of each of those runs, its pieces that are there. */
  left(runs: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>
  /** Runs by which somebody can do something now. */
  powers(): Promise<readonly Power[]>
}

export interface Power {
  readonly run: string
  readonly how: string
}

/** What was handed over to somebody. */
export interface Credential {
  /** whether it opens what was granted */
  works(): Promise<boolean>
}
