import { describe, expect, it } from 'vitest'
import type { Operation } from '../../src/identity/scim/patch.ts'
import { deactivates, patchPerson, readPerson } from '../../src/identity/scim/patch-person.ts'
import type { ScimPerson } from '../../src/identity/scim/person.ts'
import { URN } from '../../src/identity/scim/schemas.ts'
import { op, refusal } from './scim.ts'

const ANN: ScimPerson = {
  userName: 'ann',
  active: true,
  name: { givenName: 'Ann', familyName: 'Lee' },
  title: 'engineer',
  department: 'Platform',
  manager: 'boss',
  emails: [
    { value: 'ann@example.com', type: 'work', primary: true },
    { value: 'ann@home.example', type: 'home' },
  ],
}
const [WORK, HOME] = ANN.emails!
const patched = (...operations: Operation[]) => patchPerson(ANN, operations)
const emails = (...operations: Operation[]) => patched(...operations).emails

describe('a person', () => {
  it('is as they are described, and active unless they were not', () => {
    const body = {
      schemas: [URN.user],
      id: 'mine',
      meta: { x: 1 },
      nickName: 'A',
      userName: 'ann',
      Name: { GivenName: 'Ann', honorificPrefix: 'Dr', middleName: '' },
      title: '',
      displayName: null,
      [URN.enterprise]: { department: 'Platform', manager: { value: 'boss' } },
      emails: ['ann@example.com', { value: 'b@example.com', type: 'home', Display: null, strange: 1 }],
      'urn:of:others': { a: 1 },
    }
    expect(readPerson(body)).toEqual({
      userName: 'ann',
      active: true,
      name: { givenName: 'Ann' },
      department: 'Platform',
      manager: 'boss',
      emails: [{ value: 'ann@example.com' }, { value: 'b@example.com', type: 'home' }],
    })
    expect(readPerson({ userName: 'ann' }, false)).toEqual({ userName: 'ann', active: false })
    expect(readPerson({ userName: 'ann', active: 'True' }, false)).toEqual({ userName: 'ann', active: true })
    expect(readPerson({ userName: 'ann', [URN.user]: { title: 'x' }, [URN.enterprise]: null })).toMatchObject({ title: 'x' })
    expect(readPerson({ userName: 'ann', [URN.enterprise.toUpperCase()]: { division: 'd' } })).toMatchObject({ division: 'd' })
  })

  it.each<[Operation[], Partial<ScimPerson>]>([
    [[op('replace', 'title', 'lead')], { title: 'lead' }],
    [[op('add', 'title', 'lead')], { title: 'lead' }],
    [[op('remove', 'title')], { title: undefined }],
    [[op('replace', 'title', null)], { title: undefined }],
    [[op('replace', 'title', '')], { title: undefined }],
    [
      [op('replace', undefined, { title: 'lead', id: 'x', 'name.givenName': 'Anna' })],
      { title: 'lead', name: { givenName: 'Anna', familyName: 'Lee' } },
    ],
    [[op('replace', 'name', { givenName: 'Anna' })], { name: { givenName: 'Anna', familyName: 'Lee' } }],
    [[op('replace', 'name', { givenName: '', middleName: 'X' })], { name: { familyName: 'Lee', middleName: 'X' } }],
    [[op('replace', 'name', { givenName: null })], { name: { familyName: 'Lee' } }],
    [[op('remove', 'name.givenName')], { name: { familyName: 'Lee' } }],
    [[op('remove', 'name')], { name: undefined }],
    [[op('remove', 'name'), op('remove', 'name.givenName')], { name: undefined }],
    [[op('remove', 'name'), op('add', 'name.givenName', 'A')], { name: { givenName: 'A' } }],
    [[op('replace', 'active', 'False')], { active: false }],
    [[op('replace', `${URN.user}:title`, 'lead')], { title: 'lead' }],
    [[op('replace', URN.user, { title: 'lead' })], { title: 'lead' }],
    [[op('replace', ` ${URN.enterprise.toUpperCase()} `, { department: 'Sales' })], { department: 'Sales' }],
    [[op('remove', URN.enterprise)], { department: undefined, manager: undefined }],
    [[op('replace', URN.enterprise, null)], { department: undefined, manager: undefined }],
    [[op('replace', `${URN.enterprise}:manager`, 'chief')], { manager: 'chief' }],
    [[op('replace', `${URN.enterprise}:manager`, { Value: 'chief', displayName: 'C' })], { manager: 'chief' }],
    [[op('replace', `${URN.enterprise}:manager.value`, 'chief')], { manager: 'chief' }],
    [[op('replace', `${URN.enterprise}:manager`, { value: '' })], { manager: undefined }],
    [[op('replace', `${URN.enterprise}:manager`, { value: null })], { manager: undefined }],
    [[op('replace', `${URN.enterprise}:manager`, {})], { manager: undefined }],
    [[op('remove', `${URN.enterprise}:manager`)], { manager: undefined }],
    [[op('remove', `${URN.enterprise}:manager.value`)], { manager: undefined }],
    [[op('replace', 'nickName', 'A')], {}],
    [[op('remove', 'nickName')], {}],
  ])('is changed by %o', (operations, change) => {
    const expected = { ...ANN, ...change }
    const before = structuredClone(ANN)
    expect(patched(...operations)).toEqual(expected)
    expect(ANN).toEqual(before)
  })

  it.each<[Operation, string, string]>([
    [op('remove', 'userName'), 'mutability', 'userName cannot be removed'],
    [op('replace', 'active', null), 'mutability', 'active cannot be removed'],
    [op('replace', 'id', 'x'), 'mutability', 'id is read-only'],
    [op('replace', 'unknown', 'x'), 'invalidPath', 'there is no attribute "unknown"'],
    [op('replace', 'title', {}), 'invalidValue', 'title must be text'],
    [op('replace', 'name', 'Ann'), 'invalidValue', 'the value must be an object with the attributes to change'],
    [op('replace', `${URN.enterprise}:manager`, { value: 5 }), 'invalidValue', 'manager.value must be text'],
    [op('add', 'title'), 'invalidValue', 'add needs a value'],
    [op('remove'), 'noTarget', 'remove needs a path'],
    [op('replace', undefined, 'x'), 'invalidValue', 'the value must be an object with the attributes to change'],
  ])('is not changed by %o', (operation, kind, message) => {
    expect(refusal(() => patched(operation))).toEqual([kind, message])
  })
})

describe('the addresses of a person', () => {
  const NEW = { value: 'n@example.com', type: 'other' }
  it.each<[string, Operation, unknown]>([
    ['all', op('replace', 'emails', [NEW]), [NEW]],
    ['one as text', op('replace', 'emails', 'x@example.com'), [{ value: 'x@example.com' }]],
    ['one more', op('add', 'emails', NEW), [WORK, HOME, NEW]],
    [
      'the same once more',
      op('add', 'emails', { value: 'ANN@example.com', type: 'WORK', display: 'A' }),
      [{ value: 'ANN@example.com', type: 'WORK', display: 'A' }, HOME],
    ],
    [
      'a new primary',
      op('add', 'emails', { ...NEW, primary: true }),
      [{ ...WORK, primary: false }, HOME, { ...NEW, primary: true }],
    ],
    [
      'two new primaries',
      op('replace', 'emails', [
        { ...NEW, primary: true },
        { ...HOME, primary: true },
      ]),
      [
        { ...NEW, primary: true },
        { ...HOME, primary: false },
      ],
    ],
    ['one without an address', op('add', 'emails', { type: 'other' }), [WORK, HOME]],
    [
      'the address of a type',
      op('replace', 'emails[type eq "home"].value', 'h@example.com'),
      [WORK, { ...HOME, value: 'h@example.com' }],
    ],
    [
      'the address of all',
      op('replace', 'emails.display', 'A'),
      [
        { ...WORK, display: 'A' },
        { ...HOME, display: 'A' },
      ],
    ],
    [
      'another primary',
      op('replace', 'emails[type eq "home"].primary', true),
      [
        { ...WORK, primary: false },
        { ...HOME, primary: true },
      ],
    ],
    ['all primary', op('replace', 'emails.primary', 'True'), [WORK, { ...HOME, primary: false }]],
    ['fields of a type', op('add', 'emails[type eq "home"]', { display: 'A' }), [WORK, { ...HOME, display: 'A' }]],
    ['a type that is not there', op('add', 'emails[TYPE eq "other"].value', 'n@example.com'), [WORK, HOME, NEW]],
    [
      'a primary that is not there',
      op('add', 'emails[type eq "other" and primary eq true].value', 'n@example.com'),
      [{ ...WORK, primary: false }, HOME, { ...NEW, primary: true }],
    ],
    ['none', op('remove', 'emails'), []],
    ['none, by null', op('replace', 'emails', null), []],
    ['none, by nothing', op('replace', 'emails', ''), []],
    ['not one of a type', op('remove', 'emails[type eq "home"]'), [WORK]],
    ['not the address of a type', op('remove', 'emails[type eq "home"].value'), [WORK]],
    ['not the type of one', op('remove', 'emails[type eq "home"].type'), [WORK, { value: HOME!.value }]],
    ['not one by its value', op('remove', 'emails', [{ value: 'ANN@home.example' }]), [WORK]],
    ['not one by its text', op('remove', 'emails', 'ann@home.example'), [WORK]],
    ['not one that another filter means', op('remove', 'emails[type eq "work"]', [{ value: 'ann@home.example' }]), [WORK, HOME]],
  ])('come to be %s', (_, operation, expected) => {
    const before = structuredClone(ANN)
    expect(emails(operation)).toEqual(expected)
    expect(ANN).toEqual(before)
  })

  it('begin with the first that is set, and cannot be set where nothing is meant', () => {
    const { emails: _, ...bare } = ANN
    expect(patchPerson(bare, [op('add', 'emails', NEW)]).emails).toEqual([NEW])
    expect(patchPerson(bare, [op('add', 'emails.value', 'n@example.com')]).emails).toEqual([{ value: 'n@example.com' }])
    for (const path of ['emails[type ne "x" and type ne "work" and type ne "home"].value', 'emails[strange eq "x"].value']) {
      expect(refusal(() => emails(op('add', path, 'n@example.com')))).toEqual(['noTarget', 'the path selects no e-mail address'])
    }
    expect(refusal(() => emails(op('add', 'emails', [5])))[0]).toBe('invalidValue')
  })
})

describe('a deactivation', () => {
  it.each<[Operation[], boolean]>([
    [[op('replace', 'active', false)], true],
    [[op('add', ' ACTIVE ', 'False')], true],
    [[op('replace', `${URN.user}:active`, false)], true],
    [[op('replace', undefined, { Active: 'FALSE' })], true],
    [[op('replace', undefined, { [URN.user]: { active: false } })], true],
    [[op('replace', undefined, { [URN.user.toUpperCase()]: { active: false } })], true],
    [[op('replace', undefined, { [`${URN.user}:active`]: false })], true],
    [[op('replace', 'active', false), op('add', 'title', 'x')], true],
    [[op('replace', 'active', false), op('replace', 'active', true)], false],
    [[op('replace', 'active', true), op('replace', 'active', false)], true],
    [[op('replace', 'active', true)], false],
    [[op('remove', 'active', false)], false],
    [[op('replace', 'title', false)], false],
    [[op('replace', undefined, { title: 'false' })], false],
    [[op('replace', undefined, { [URN.enterprise]: { active: false } })], false],
    [[op('replace', undefined, 'false')], false],
    [[op('replace', undefined, null)], false],
    [[op('replace', undefined, [{ active: false }])], false],
    [[], false],
  ])('is what %o says: %s', (operations, expected) => {
    expect(deactivates(operations)).toBe(expected)
  })
})
