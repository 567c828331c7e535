import { z } from 'zod'
import { name } from '../../contract/text.ts'
import { issuesOf, wordsFor } from '../../platform/http/input-issues.ts'
import { ScimRefusal } from '../../platform/http/scim-error.ts'
import type { Members } from './members.ts'
import { checkOperation, type Operation, partsOf } from './patch.ts'
import { findTarget, isReadOnly, type Target, targetOf } from './paths.ts'
import { reference } from './person.ts'
import { plainValue } from './plain-value.ts'
import { GROUP } from './schemas.ts'

export type GroupChange =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'external_id'; readonly externalId: string | null }
  | { readonly kind: 'add' | 'keep_only'; readonly members: readonly string[] }
  | { readonly kind: 'drop'; readonly which: Members }

export interface GivenGroup {
  readonly name: string
  readonly externalId: string | null
  readonly members: readonly string[]
}

/** A group as a POST or PUT describes it: what it leaves out is gone. */
export function readGroup(body: unknown): GivenGroup {
  let given: Partial<GivenGroup> = {}
  for (const change of changesIn('add', body)) {
    if (change.kind === 'name') given = { ...given, name: change.name }
    else if (change.kind === 'external_id') given = { ...given, externalId: change.externalId }
    else if (change.kind === 'add') given = { ...given, members: change.members }
  }
  if (given.name === undefined) throw new ScimRefusal('invalidValue', 'displayName is missing', { field: 'displayName' })
  return { name: given.name, externalId: given.externalId ?? null, members: given.members ?? [] }
}

/** What the operations come to, in their order. Members are never read before: a group may have thousands. */
export function groupChanges(operations: readonly Operation[]): GroupChange[] {
  return operations.flatMap((operation) => {
    checkOperation(operation)
    const { op, path, value } = operation
    const isWhole = path === undefined || (op !== 'remove' && path.trim().toLowerCase() === GROUP.id.toLowerCase())
    return isWhole ? changesIn(op, value) : changeOf(op, targetOf(path, GROUP), value)
  })
}

/** Each name in the value is a path. Okta sends the id along with a new name: what is not the client's is passed over. */
function changesIn(op: Operation['op'], value: unknown): GroupChange[] {
  return partsOf(value).flatMap(([key, inner]) => {
    const target = findTarget(key, GROUP)
    return target && target !== 'dropped' && !isReadOnly(target) ? changeOf(op, target, inner) : []
  })
}

function changeOf(op: Operation['op'], target: Target | 'dropped', value: unknown): GroupChange[] {
  if (target === 'dropped') return []
  const isGone = op === 'remove' || value === null || value === ''
  if (isGone && target.attribute.required) throw new ScimRefusal('mutability', `${target.attribute.name} cannot be removed`)
  switch (target.attribute.name) {
    case 'displayName':
      return [{ kind: 'name', name: checked(line, 'displayName', plainValue(target.attribute, value)) }]
    case 'externalId':
      return [
        {
          kind: 'external_id',
          externalId: isGone ? null : checked(reference, 'externalId', plainValue(target.attribute, value)),
        },
      ]
    default:
      return membersOf(op, target, value)
  }
}

function membersOf(op: Operation['op'], { filter, part }: Target, value: unknown): GroupChange[] {
  if (part && part.name !== 'value') throw new ScimRefusal('mutability', 'only the value of a member can be given')
  if (op === 'remove') {
    if (filter) return [{ kind: 'drop', which: { kind: 'matching', filter } }]
    const isAll = value === undefined || value === null
    return [{ kind: 'drop', which: isAll ? { kind: 'all' } : { kind: 'these', ids: idsIn(value) } }]
  }
  if (filter) throw new ScimRefusal('invalidPath', 'to add or replace members, give no filter in the path')
  return [{ kind: op === 'add' ? 'add' : 'keep_only', members: value === null ? [] : idsIn(value) }]
}

function idsIn(value: unknown): string[] {
  return [value].flat().map((member) => {
    const id = typeof member === 'string' ? member : partsOf(member).find(([key]) => key.toLowerCase() === 'value')?.[1]
    if (typeof id !== 'string' || id === '')
      throw new ScimRefusal('invalidValue', 'members: each needs a value, which is the id of a person')
    return id
  })
}

const line = name({ max: 256 })

function checked(schema: z.ZodType<string>, field: string, value: unknown): string {
  const result = schema.safeParse(value, { error: wordsFor })
  if (result.success) return result.data
  throw new ScimRefusal('invalidValue', `${field} ${issuesOf(result.error)[0]?.message}`, { field })
}
