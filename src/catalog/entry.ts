import { z } from 'zod'
import type { CatalogEntry } from '../contract/catalog.ts'
import { type AnyPlugin, isReversible } from '../sdk/index.ts'
import { actionsOf } from './check-plugins.ts'

/** A plugin as people see it: what it is, how it is configured, what it offers. */
export function entryOf(plugin: AnyPlugin): CatalogEntry {
  const { id, name, vendor, description, guide } = plugin.manifest
  return {
    id,
    name,
    vendor,
    description,
    guide,
    config: formOf(plugin.config),
    resourceTypes: plugin.resourceTypes.map((type) => ({
      id: type.id,
      title: type.title,
      permissions: type.permissions.map((permission) => ({ ...permission })),
    })),
    actions: actionsOf(plugin).map((action) => ({
      name: action.name,
      title: action.title,
      input: formOf(action.input),
      ...(isReversible(action) ? { reversible: true } : { reversible: false, irreversible: action.irreversible }),
    })),
    deliveries: plugin.grantAccess?.deliveries.map((kind) => ({ ...kind })) ?? [],
    offers: {
      discovery: plugin.discover !== undefined,
      grants: plugin.grantAccess !== undefined,
      sweep: plugin.marked !== undefined,
      minimumPolicy: plugin.minimumPolicy !== undefined,
    },
  }
}

/** What is typed in, as JSON Schema: forms are drawn from it. What is deprecated is still accepted and no longer offered. */
export function formOf(schema: z.ZodType): Record<string, unknown> {
  return z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override({ jsonSchema: { properties = {}, required = [] } }) {
      for (const [name, field] of Object.entries(properties)) {
        if (typeof field !== 'object') continue
        if (field.deprecated) delete properties[name]
        if (field.const !== undefined && !required.includes(name)) field.default = field.const // what is assumed where it is left out
      }
    },
  })
}
