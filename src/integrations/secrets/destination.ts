import { hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { AnyPlugin, Json } from '../../sdk/index.ts'

/** Longer values (certificates) are told apart by their digest. */
const LONGEST_SHOWN = 200

/** What a plugin says decides where its secrets are sent, by the field's path. What is not configured is not in it. */
export function destinationOf(plugin: Pick<AnyPlugin, 'secretsGoTo'>, config: unknown): Readonly<Record<string, Json>> {
  const fields = plugin.secretsGoTo.flatMap((path) => {
    const value = valueAt(config, path)
    return value === undefined ? [] : [[path, value] as const]
  })
  return Object.fromEntries(fields)
}

/** One text for one destination of one kind of target, whatever the order in which its fields were stored. */
export function digestOf(plugin: AnyPlugin, config: unknown): string {
  return hash('sha256', JSON.stringify([plugin.manifest.id, sorted(destinationOf(plugin, config))]))
}

/** A destination as the trail shows it. */
export function shownDestination(plugin: AnyPlugin, config: unknown): Record<string, Json> {
  const shown = (value: Json): Json =>
    typeof value === 'string' && value.length > LONGEST_SHOWN ? `sha256:${hash('sha256', value)}` : value
  return Object.fromEntries(Object.entries(destinationOf(plugin, config)).map(([path, value]) => [path, shown(value)]))
}

/** The first field in which two configurations send their secrets to different places. */
export function movedField(plugin: AnyPlugin, before: unknown, after: unknown): string | undefined {
  return plugin.secretsGoTo.find((path) => !isDeepStrictEqual(valueAt(before, path), valueAt(after, path)))
}

function valueAt(config: unknown, path: string): Json | undefined {
  const found = path
    .split('.')
    .reduce<unknown>((at, key) => (isHolder(at) && Object.hasOwn(at, key) ? at[key] : undefined), config)
  return found === undefined ? undefined : (JSON.parse(JSON.stringify(found)) as Json)
}

/** With the keys of every object in one order; what is undefined is not there. */
export function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isHolder(value)) return value
  const keys = Object.keys(value).filter((key) => value[key] !== undefined)
  return Object.fromEntries(keys.toSorted().map((key) => [key, sorted(value[key] as Json)]))
}

function isHolder(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
