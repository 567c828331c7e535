import { issuesOf, wordsFor } from '../platform/http/input-issues.ts'
import { InvalidInput } from '../platform/http/input-pipe.ts'
import { type AnyPlugin, BrokerError, type PolicyAdvice } from '../sdk/index.ts'
import { formOf } from './entry.ts'

/** What to set up in the target for a configuration whose secrets nobody has yet. */
export async function advise(plugin: AnyPlugin, typed: Record<string, unknown>): Promise<PolicyAdvice> {
  if (!plugin.minimumPolicy) throw new BrokerError('target.unsupported', `${plugin.manifest.name} has no minimum policy to show`)
  const config = { ...plugin.beforeSetUp, ...structuredClone(typed) }
  const first = await plugin.config.safeParseAsync(config, { error: wordsFor })
  if (first.success) return plugin.minimumPolicy(first.data)
  const secrets = new Set(secretPaths(formOf(plugin.config)))
  for (const { path } of first.error.issues) if (secrets.has(path.join('.'))) put(config, path.map(String), 'not needed here')
  const second = await plugin.config.safeParseAsync(config, { error: wordsFor })
  if (second.success) return plugin.minimumPolicy(second.data)
  throw new InvalidInput(issuesOf(second.error, ['config']))
}

/** Where secrets stand, through every branch of the form. */
function secretPaths(form: unknown, path: readonly string[] = []): string[] {
  if (typeof form !== 'object' || form === null) return []
  if ('writeOnly' in form && form.writeOnly === true) return [path.join('.')]
  const branches = (['oneOf', 'anyOf', 'allOf'] as const).flatMap((key) =>
    Object.values((form as Record<string, object>)[key] ?? {}),
  )
  const fields = 'properties' in form && typeof form.properties === 'object' ? Object.entries(form.properties ?? {}) : []
  return [
    ...branches.flatMap((branch) => secretPaths(branch, path)),
    ...fields.flatMap(([name, field]) => secretPaths(field, [...path, name])),
  ]
}

function put(config: Record<string, unknown>, path: readonly string[], value: string): void {
  let at = config
  for (const key of path.slice(0, -1)) {
    const inner = Object.hasOwn(at, key) ? at[key] : undefined
    if (typeof inner !== 'object' || inner === null) return
    at = inner as Record<string, unknown>
  }
  at[path.at(-1)!] = value
}
