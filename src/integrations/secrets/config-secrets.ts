import { isDeepStrictEqual } from 'node:util'
import { Secret } from '../../sdk/index.ts'

/** Where a secret stood in a configuration, and what it was. */
export type PlacedSecret = readonly [path: readonly string[], value: Secret]

/** What stands in a stored or shown configuration where a secret is. */
export const SECRET_IS_SET = { set: true } as const

/** A configuration that may be stored and shown, and the secrets that were in it. */
export interface ClearedConfig {
  readonly clear: unknown
  readonly secrets: readonly PlacedSecret[]
}

/** Takes every Secret out, wherever it stands. */
export function takeOutSecrets(config: unknown): ClearedConfig {
  const secrets: PlacedSecret[] = []
  const clear = walk(config, [], (path, value) => {
    secrets.push([path, value])
    return SECRET_IS_SET
  })
  return { clear, secrets }
}

/** The configuration as it is typed in, secrets in clear: only for the plugin's own parser. */
export function putBackSecrets({ clear, secrets }: ClearedConfig): unknown {
  const whole = structuredClone(clear)
  for (const [path, value] of secrets) holderOf(whole, path)?.set(value.reveal())
  return whole
}

/** A new configuration in which secrets that were left out, or sent back as they were shown, stay what they are. `null` drops one. */
export function keepSecrets(typed: unknown, known: readonly PlacedSecret[]): unknown {
  const whole = structuredClone(typed)
  for (const [path, value] of known) {
    const holder = holderOf(whole, path)
    if (!holder) continue
    const now = holder.get()
    if (now === undefined || isMark(now)) holder.set(value.reveal())
    if (now === null) holder.drop()
  }
  return whole
}

/** Whether a configuration as typed relies on a secret that is known already. */
export function reliesOn(typed: unknown, known: readonly PlacedSecret[]): boolean {
  return known.some(([path]) => {
    const now = holderOf(typed, path)?.get()
    return holderOf(typed, path) !== undefined && (now === undefined || isMark(now))
  })
}

/** Whether a secret that was typed is one that was there already, in the same place. */
export function isKnown([path, value]: PlacedSecret, known: readonly PlacedSecret[]): boolean {
  return known.some(([where, kept]) => isDeepStrictEqual(where, path) && kept.reveal() === value.reveal())
}

export function isMark(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'set' in value && value.set === true && Object.keys(value).length === 1
}

function walk(value: unknown, path: readonly string[], onSecret: (path: readonly string[], value: Secret) => unknown): unknown {
  if (value instanceof Secret) return onSecret(path, value)
  if (Array.isArray(value)) return value.map((item, index) => walk(item, [...path, String(index)], onSecret))
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner, [...path, key], onSecret)]))
}

/** The object a path ends in; undefined when the configuration has no such place (another way to log in was chosen). */
function holderOf(root: unknown, path: readonly string[]) {
  const last = path.at(-1)
  let at: unknown = root
  for (const key of path.slice(0, -1)) at = isHolder(at) && Object.hasOwn(at, key) ? at[key] : undefined
  if (!isHolder(at) || last === undefined) return undefined
  const holder = at
  return {
    get: () => (Object.hasOwn(holder, last) ? holder[last] : undefined),
    set: (value: string) =>
      void Object.defineProperty(holder, last, { value, enumerable: true, writable: true, configurable: true }),
    drop: () => delete holder[last],
  }
}

function isHolder(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
