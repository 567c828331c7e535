import type { z } from 'zod'
import type { Endpoint } from '../contract/endpoints/endpoint.ts'

/** An id as any text: who calls has it from an answer, or from a person. */
type Loose<T> = T extends `${string}_${infer Rest}`
  ? string extends Rest
    ? string
    : T
  : T extends readonly (infer One)[]
    ? readonly Loose<One>[]
    : T extends object
      ? { readonly [Name in keyof T]: Loose<T[Name]> }
      : T

/** A query as a program writes it: numbers and booleans become text on the way. */
type QueryInput<Query> = { readonly [Name in keyof Query]?: Query[Name] | number | boolean | undefined }

type Params<E> = E extends { params: infer P } ? { readonly params: { readonly [Name in keyof P]: string } } : unknown
type Query<E> = E extends { query: infer Q extends z.ZodType } ? { readonly query?: QueryInput<Loose<z.input<Q>>> } : unknown
type Body<E> = E extends { body: infer B extends z.ZodType } ? { readonly body: Loose<z.input<B>> } : unknown
type Given<E> = Params<E> & Query<E> & Body<E>

/** What a call takes; nothing where the endpoint takes nothing, or a query alone. */
export type Input<E extends Endpoint> = E extends { params: unknown } | { body: unknown }
  ? [input: Given<E>]
  : E extends { query: unknown }
    ? [input?: Given<E>]
    : []

/** Of several answers the one that is no proposal: those are thrown. */
type Usual<E extends Endpoint> =
  Exclude<keyof E['answers'], 202> extends never
    ? E['answers'][keyof E['answers']]
    : E['answers'][Exclude<keyof E['answers'], 202>]

export type Answer<E extends Endpoint> = Usual<E> extends z.ZodType ? z.output<Usual<E>> : null

/** An endpoint that answers a page. */
export type ListEndpoint = Endpoint & { readonly method: 'GET'; readonly query: z.ZodType }
export type Item<E extends Endpoint> = Answer<E> extends { items: readonly (infer One)[] } ? One : never

/** The path with its parameters, each as one segment, and the query. */
export function pathOf({ path }: Endpoint, input: unknown): string {
  const { params = {}, query = {} } = (input ?? {}) as {
    params?: Record<string, string>
    query?: Record<string, string | number | boolean | undefined>
  }
  const filled = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as const]))
  const asked = new URLSearchParams(Object.fromEntries(given)).toString()
  return asked === '' ? filled : `${filled}?${asked}`
}
