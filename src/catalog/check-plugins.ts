import { z } from 'zod'
import { type AnyPlugin, isReversible } from '../sdk/index.ts'

const KEBAB = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
const text = z.string().min(1).max(2_000)
const named = z.object({ id: z.string().regex(KEBAB), title: text })

const delivery = named.omit({ id: true }).extend({ name: z.string().regex(KEBAB).max(60), shows: z.enum(['once', 'wrapped']) })

const manifest = z.strictObject({
  id: z.string().regex(KEBAB).max(60),
  name: text,
  vendor: text,
  description: text,
  sdk: z.literal(1),
  guide: z.string().regex(/^(?!\/)(?!.*\.\.)[\w./-]+$/, 'a path relative to the root of the project'),
})

const paths = z.array(z.string().regex(/^\w+(\.\w+)*$/)).min(1)

/** Throws what is wrong with the first plugin that cannot be offered. A mistake of its author, so it stops the start. */
export function checkPlugins(plugins: readonly AnyPlugin[]): void {
  const takenIds = new Map<string, string>()
  for (const plugin of plugins) {
    const name = `plugin ${JSON.stringify(plugin?.manifest?.id ?? 'without an id')}`
    const read = manifest.safeParse(plugin?.manifest)
    if (!read.success) {
      throw new TypeError(
        `${name}: manifest.${read.error.issues.map((each) => `${each.path.join('.')} ${each.message}`).join('; ')}`,
      )
    }
    if (typeof plugin.config?.safeParse !== 'function') throw new TypeError(`${name}: config is not a zod schema`)
    if (!paths.safeParse(plugin.secretsGoTo).success)
      throw new TypeError(`${name}: secretsGoTo does not say where secrets are sent`)
    const form = z.toJSONSchema(plugin.config, { io: 'input', unrepresentable: 'any' })
    for (const field of [...plugin.secretsGoTo, ...(plugin.livesAt?.system ?? []), ...(plugin.livesAt?.inside ?? [])]) {
      if (!hasField(form, field.split('.'))) throw new TypeError(`${name}: its configuration has no field ${field}`)
    }
    for (const method of ['connect', 'health'] as const) {
      if (typeof plugin[method] !== 'function') throw new TypeError(`${name}: ${method} is missing`)
    }
    take(takenIds, `plugin ${plugin.manifest.id}`, name)
    for (const type of plugin.resourceTypes) {
      if (!named.safeParse(type).success)
        throw new TypeError(`${name}: resource type ${JSON.stringify(type.id)} is not well-formed`)
      take(takenIds, `resource type ${type.id}`, name)
      for (const permission of type.permissions) take(takenIds, `permission ${permission.id} of ${type.id}`, name)
    }
    for (const kind of deliveriesOf(plugin, name)) {
      if (!delivery.safeParse(kind).success)
        throw new TypeError(`${name}: delivery ${JSON.stringify(kind.name)} is not well-formed`)
      take(takenIds, `delivery ${kind.name} of ${plugin.manifest.id}`, name)
    }
    for (const action of actionsOf(plugin)) {
      take(takenIds, `action ${action.name} of ${plugin.manifest.id}`, name)
      if (!isReversible(action) && !action.irreversible) {
        throw new TypeError(`${name}: action ${action.name} has neither an undo nor a reason why not`)
      }
    }
  }
}

/** Everything the plugin does to its target, granting access among it. */
export function actionsOf(plugin: AnyPlugin): AnyPlugin['actions'] {
  return plugin.grantAccess ? [plugin.grantAccess, ...plugin.actions] : plugin.actions
}

function deliveriesOf({ grantAccess }: AnyPlugin, name: string) {
  if (!grantAccess) return []
  if (!Array.isArray(grantAccess.deliveries) || grantAccess.deliveries.length === 0) {
    throw new TypeError(`${name}: grantAccess names no delivery`)
  }
  if (grantAccess.name !== 'grant-access') throw new TypeError(`${name}: grantAccess is named ${grantAccess.name}`)
  return grantAccess.deliveries
}

interface Form {
  readonly properties?: Readonly<Record<string, Form | boolean>>
  readonly anyOf?: readonly Form[]
  readonly oneOf?: readonly Form[]
  readonly allOf?: readonly Form[]
}

/** Whether there is such a field; of alternatives, one must have it. */
function hasField(form: unknown, [first, ...rest]: readonly string[]): boolean {
  if (first === undefined) return true
  if (typeof form !== 'object' || form === null) return false
  const { properties = {}, anyOf = [], oneOf = [], allOf = [] } = form as Form
  if (Object.hasOwn(properties, first) && hasField(properties[first], rest)) return true
  return [...anyOf, ...oneOf, ...allOf].some((other) => hasField(other, [first, ...rest]))
}

function take(taken: Map<string, string>, what: string, by: string): void {
  const other = taken.get(what)
  if (other) throw new TypeError(`${what} exists twice: in ${other} and in ${by}`)
  taken.set(what, by)
}
