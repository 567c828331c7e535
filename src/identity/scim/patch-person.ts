import { ScimRefusal } from '../../platform/http/scim-error.ts'
import { checkOperation, type Operation, partsOf } from './patch.ts'
import { type Draft, removeEmails, writeEmails } from './patch-emails.ts'
import { findTarget, isReadOnly, named, type Target, targetOf } from './paths.ts'
import { personOf, type ScimPerson } from './person.ts'
import { plainValue } from './plain-value.ts'
import { ENTERPRISE, URN, USER } from './schemas.ts'

/** Somebody as a POST or PUT describes them. What it leaves out is gone, but for `active`, which stays as it was. */
export function readPerson(body: unknown, active = true): ScimPerson {
  const draft: Draft = { active }
  assign(draft, 'add', body)
  return personOf(draft)
}

/** The person after the operations, all or none. Never changes what it is given. */
export function patchPerson(person: ScimPerson, operations: readonly Operation[]): ScimPerson {
  const draft: Draft = structuredClone(person)
  for (const operation of operations) {
    checkOperation(operation)
    const { op, path, value } = operation
    const schema = path === undefined ? '' : schemaMeant(path)
    if (schema === ENTERPRISE.id && (op === 'remove' || value === null)) removeExtension(draft)
    else if (schema !== undefined) assign(draft, op, value, schema && `${schema}:`)
    else apply(draft, op, targetOf(path!, USER), value)
  }
  return personOf(draft)
}

/** The schema whose bare name is the path: all of its attributes are meant. */
function schemaMeant(path: string): string | undefined {
  return [URN.user, URN.enterprise].find((urn) => urn.toLowerCase() === path.trim().toLowerCase())
}

function removeExtension(draft: Draft): void {
  for (const { name } of ENTERPRISE.attributes) delete draft[name]
}

/** Whether the operations say, whatever else they say, that somebody is not active any more. */
export function deactivates(operations: readonly Operation[]): boolean {
  const said = operations.flatMap(({ op, path, value }) => {
    if (op === 'remove') return []
    return path === undefined ? activeIn(value) : isActive(path) ? [value] : []
  })
  return String(said.at(-1)).toLowerCase() === 'false'
}

function activeIn(value: unknown, schema = ''): unknown[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    if (schema === '' && key.toLowerCase() === URN.user.toLowerCase()) return activeIn(inner, `${key}:`)
    return isActive(schema + key) ? [inner] : []
  })
}

function isActive(path: string): boolean {
  return path.trim().toLowerCase().replace(`${URN.user.toLowerCase()}:`, '') === 'active'
}

/** Each name in the value is a path. Clients send along what they read, so what is not theirs to change is passed over. */
function assign(draft: Draft, op: Operation['op'], value: unknown, schema = ''): void {
  for (const [key, inner] of partsOf(value)) {
    const isSchema = [URN.user, URN.enterprise].some((urn) => urn.toLowerCase() === key.toLowerCase())
    if (isSchema && schema === '') {
      if (inner !== null) assign(draft, op, inner, `${key}:`)
      continue
    }
    const target = findTarget(schema + key, USER)
    if (target && target !== 'dropped' && !isReadOnly(target)) apply(draft, op, target, inner)
  }
}

function apply(draft: Draft, op: Operation['op'], target: Target | 'dropped', value: unknown): void {
  if (target === 'dropped') return
  const isEmails = target.attribute.name === 'emails'
  // Nothing and an empty text are the same to the clients that send them.
  if (op === 'remove' || value === null || value === '') {
    if (isEmails) removeEmails(draft, target, value)
    else remove(draft, target)
    return
  }
  if (isEmails) writeEmails(draft, op, target, value)
  else if (target.attribute.name === 'manager') draft['manager'] = managerIn(value)
  else write(draft, target, value)
}

function write(draft: Draft, { attribute, part }: Target, value: unknown): void {
  if (attribute.type !== 'complex') {
    draft[attribute.name] = plainValue(attribute, value)
    return
  }
  const given = part ? [[part.name, value] as const] : partsOf(value)
  const whole = { ...(draft[attribute.name] as Record<string, unknown> | undefined) }
  for (const [key, inner] of given) {
    const sub = named(attribute.subAttributes ?? [], key)
    if (!sub) continue
    if (inner === null || inner === '') delete whole[sub.name]
    else whole[sub.name] = plainValue(sub, inner)
  }
  draft[attribute.name] = whole
}

function remove(draft: Draft, { attribute, part }: Target): void {
  if (attribute.required && !part) throw new ScimRefusal('mutability', `${attribute.name} cannot be removed`)
  const whole = draft[attribute.name]
  if (part && attribute.name !== 'manager' && whole) delete (whole as Record<string, unknown>)[part.name]
  else delete draft[attribute.name]
}

/** Some send the id alone. */
function managerIn(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  const id = partsOf(value).find(([key]) => key.toLowerCase() === 'value')?.[1]
  if (id === null || id === '' || id === undefined) return undefined
  if (typeof id !== 'string') throw new ScimRefusal('invalidValue', 'manager.value must be text')
  return id
}
