import type { Role } from '../contract/identity.ts'
import type { Proposed } from '../contract/proposals.ts'
import type { Hands } from '../identity/callers/hands.ts'
import type { Tx } from '../platform/postgres/database.ts'
import type { Json } from '../sdk/index.ts'
import type { OrderKey } from './order-keys.ts'

/** What a change would change, as it stands. Equal bases mean that nobody changed it in between. */
export interface Base {
  /** what the second person is shown; no secret */
  readonly shown: { readonly [key: string]: Json }
  /** of what is not shown: the secrets */
  readonly digest?: string | null
}

export type RolesByKind = Readonly<Partial<Record<Proposed, readonly Role[]>>>

/** A change that was looked at from all sides but the database's, ready to be written. */
export interface Ready<Made> {
  /** in the caller's transaction; may be thrown away with it */
  write(tx: Tx): Promise<Made>
  /** once that is committed */
  afterwards?(): void
}

/** How an order is known again that somebody repeats, because an answer was lost. */
export interface Repeatable<Body, Made> {
  /** undefined: no key was given, and every time is another order */
  keyOf(body: Body): Omit<OrderKey, 'kind'> | undefined
  idOf(made: Made): string
  /** what was made, as it is now */
  find(id: string): Promise<Made>
}

/** One kind of change that may need a second person. The same code makes it at once and after it was accepted. */
export interface ChangeKind<Body, Made> {
  readonly kind: Proposed
  /** who may propose it, or make it where nobody else is asked */
  readonly roles: readonly Role[]
  /** of the sealed body of a proposal */
  parse(body: unknown): Body
  /** What a second person is shown of the change: no secret. Throws when it could not be made as things are. */
  summary(subject: string | null, body: Body): Promise<{ readonly [key: string]: Json | undefined }>
  /** Absent where no key is given. */
  readonly repeatable?: Repeatable<Body, Made>
  /** Locks what it reads. Absent where the change makes something new. */
  base?(tx: Tx, subject: string): Promise<Base>
  /** Throws when it concerns somebody in these hands so closely that they have no say: neither to make it nor to accept it. */
  mustNotConcern?(tx: Tx, hands: Hands, body: Body): Promise<void>
  /** Everything that takes time or asks a target; writes nothing. */
  prepare(by: string, subject: string | null, body: Body): Promise<Ready<Made>>
}
