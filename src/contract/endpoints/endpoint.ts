import type { z } from 'zod'
import type { Role, Scope } from '../identity.ts'

/** Who may call an endpoint: a token with this scope, of a person with one of these roles. Without roles, anybody's. */
export interface AllowedFor {
  readonly scope: Scope
  readonly roles?: readonly Role[]
  /**
   * What the identity provider says of the caller must be a minute old at most: for decisions, and for every change with scope `manage` that
   * does not say `false`. What only takes away says so: it waits for no provider.
   */
  readonly fresh?: boolean
  /** not with a token that somebody else made for the caller */
  readonly own?: boolean
}

/** One endpoint of the API: what it takes, what it answers, who may call it. The server, its OpenAPI and the client are made from it. */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** with its parameters as `:name` */
  readonly path: `/api/${string}`
  /** the chapter of the API it stands in */
  readonly tag: string
  readonly allowed: AllowedFor | 'public'
  readonly about?: string
  readonly params?: Readonly<Record<string, z.ZodType>>
  readonly query?: z.ZodType
  readonly body?: z.ZodType
  /** status → what is answered; null: nothing. 202 beside another one says that the change waits for a second person. */
  readonly answers: Readonly<Record<number, z.ZodType | null>>
}

export const endpoint = <const E extends Endpoint>(one: E): E => one

/** The status of an endpoint's own answer: of several, the lowest that does not say that the change waits. */
export function usualStatus({ answers }: Pick<Endpoint, 'answers'>): number | undefined {
  const statuses = Object.keys(answers).map(Number)
  return statuses.find((status) => status !== 202) ?? statuses[0]
}
