import { ScimRefusal } from '../../platform/http/scim-error.ts'
import { type Filter, parseFilter } from './filter.ts'
import { type Attribute, COMMON, DROPPED, ENTERPRISE, type Schema, URN } from './schemas.ts'

/** What a change is made to: an attribute, those of its values that match, one part of it. */
export interface Target {
  readonly attribute: Attribute
  readonly filter?: Filter
  readonly part?: Attribute
}

/** `dropped` for an attribute of the standard or of somebody's extension that is not kept, undefined for what is none at all. */
export function findTarget(path: string, schema: Schema): Target | 'dropped' | undefined {
  const { attributes, rest } = inSchema(path.trim(), schema)
  if (/^urn:/i.test(rest)) return 'dropped'
  const [, name = '', filter, part] = /^([A-Za-z$][\w$-]*)(?:\[(.*)\])?(?:\.([A-Za-z$][\w$-]*))?$/s.exec(rest) ?? []
  const attribute = named(attributes, name)
  if (!attribute) return DROPPED.has(name.toLowerCase()) ? 'dropped' : undefined
  if (filter !== undefined && !attribute.multiValued) return undefined
  const chosen = { attribute, ...(filter !== undefined && { filter: parseFilter(filter) }) }
  if (part === undefined) return chosen
  if (!attribute.subAttributes) return undefined
  const sub = named(attribute.subAttributes, part)
  // The standard has parts of names and managers that we do not keep.
  return sub ? { ...chosen, part: sub } : 'dropped'
}

/** The same for a path that must be one. Throws `invalidPath`, and `mutability` for what is not the client's to change. */
export function targetOf(path: string, schema: Schema): Target | 'dropped' {
  const target = findTarget(path, schema)
  if (!target) throw new ScimRefusal('invalidPath', `there is no attribute ${JSON.stringify(path.slice(0, 100))}`)
  if (target !== 'dropped' && isReadOnly(target)) {
    throw new ScimRefusal('mutability', `${target.attribute.name} is read-only`)
  }
  return target
}

export function isReadOnly({ attribute, part }: Target): boolean {
  return attribute.mutability === 'readOnly' || part?.mutability === 'readOnly'
}

export function named(attributes: readonly Attribute[], name: string): Attribute | undefined {
  return attributes.find((one) => one.name.toLowerCase() === name.toLowerCase())
}

function inSchema(path: string, schema: Schema): { attributes: readonly Attribute[]; rest: string } {
  const lower = path.toLowerCase()
  if (schema.id === URN.user && lower.startsWith(`${URN.enterprise.toLowerCase()}:`)) {
    return { attributes: ENTERPRISE.attributes, rest: path.slice(URN.enterprise.length + 1) }
  }
  const isQualified = lower.startsWith(`${schema.id.toLowerCase()}:`)
  return { attributes: [...COMMON, ...schema.attributes], rest: isQualified ? path.slice(schema.id.length + 1) : path }
}
