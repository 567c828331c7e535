import { describe, expect, it } from 'vitest'
import type { Operation } from '../../src/identity/scim/patch.ts'
import { groupChanges, readGroup } from '../../src/identity/scim/patch-group.ts'
import { GROUP } from '../../src/identity/scim/schemas.ts'
import { op, refusal } from './scim.ts'

describe('a group', () => {
  it('is as it is described', () => {
    const described = { displayName: 'ops', externalId: 'x1', members: [{ value: 'a' }, 'b'], id: 'mine', schemas: [] }
    expect(readGroup(described)).toEqual({ name: 'ops', externalId: 'x1', members: ['a', 'b'] })
    expect(readGroup({ displayName: 'ops' })).toEqual({ name: 'ops', externalId: null, members: [] })
    expect(refusal(() => readGroup({ members: [] }))).toEqual(['invalidValue', 'displayName is missing'])
  })

  it.each<[Operation, unknown[]]>([
    [op('replace', 'displayName', 'ops'), [{ kind: 'name', name: 'ops' }]],
    [op('replace', 'externalId', 'x'), [{ kind: 'external_id', externalId: 'x' }]],
    [op('remove', 'externalId'), [{ kind: 'external_id', externalId: null }]],
    [op('replace', 'externalId', ''), [{ kind: 'external_id', externalId: null }]],
    [op('replace', 'externalId', null), [{ kind: 'external_id', externalId: null }]],
    [op('add', 'members', [{ Value: 'a', display: 'A' }]), [{ kind: 'add', members: ['a'] }]],
    [op('add', 'members', 'a'), [{ kind: 'add', members: ['a'] }]],
    [op('replace', 'members', []), [{ kind: 'keep_only', members: [] }]],
    [op('replace', 'members', null), [{ kind: 'keep_only', members: [] }]],
    [op('replace', 'members.value', 'a'), [{ kind: 'keep_only', members: ['a'] }]],
    [op('remove', 'members'), [{ kind: 'drop', which: { kind: 'all' } }]],
    [op('remove', 'members', null), [{ kind: 'drop', which: { kind: 'all' } }]],
    [op('remove', 'members', [{ value: 'a' }]), [{ kind: 'drop', which: { kind: 'these', ids: ['a'] } }]],
    [
      op('remove', 'members[value eq "a"]'),
      [{ kind: 'drop', which: { kind: 'matching', filter: { kind: 'compare', path: 'value', operator: 'eq', value: 'a' } } }],
    ],
    [
      op('replace', undefined, { displayName: 'ops', id: 'x', members: ['a'], nickName: 'x' }),
      [
        { kind: 'name', name: 'ops' },
        { kind: 'keep_only', members: ['a'] },
      ],
    ],
    [op('add', ` ${GROUP.id.toUpperCase()} `, { members: ['a'] }), [{ kind: 'add', members: ['a'] }]],
    [op('add', 'urn:of:others', 'x'), []],
    [op('remove', GROUP.id), []],
  ])('is changed by %o', (operation, changes) => {
    expect(groupChanges([operation])).toEqual(changes)
    expect(groupChanges([operation, operation])).toEqual([...changes, ...changes])
  })

  it.each<[Operation, string, string]>([
    [op('remove', 'displayName'), 'mutability', 'displayName cannot be removed'],
    [op('replace', 'displayName', null), 'mutability', 'displayName cannot be removed'],
    [op('replace', 'displayName', ''), 'mutability', 'displayName cannot be removed'],
    [op('replace', 'displayName', 'a\nb'), 'invalidValue', 'displayName contains a control character or an invisible one'],
    [op('replace', 'externalId', 'a\u0007'), 'invalidValue', 'externalId contains a control character'],
    [op('add', 'members[value eq "a"]', 'b'), 'invalidPath', 'to add or replace members, give no filter in the path'],
    [op('replace', 'members.type', 'User'), 'mutability', 'only the value of a member can be given'],
    [op('add', 'members', [{ display: 'A' }]), 'invalidValue', 'members: each needs a value, which is the id of a person'],
    [op('add', 'members', ['']), 'invalidValue', 'members: each needs a value, which is the id of a person'],
    [op('add', 'members', [{ value: 5 }]), 'invalidValue', 'members: each needs a value, which is the id of a person'],
    [op('replace', 'id', 'x'), 'mutability', 'id is read-only'],
    [op('remove'), 'noTarget', 'remove needs a path'],
  ])('is not changed by %o', (operation, kind, message) => {
    expect(refusal(() => groupChanges([operation]))).toEqual([kind, message])
  })
})
