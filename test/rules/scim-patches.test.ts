import { describe, expect, it } from 'vitest'
import { checkOperation, inLowerCase, operationsOf, partsOf } from '../../src/identity/scim/patch.ts'
import { findTarget, isReadOnly, targetOf } from '../../src/identity/scim/paths.ts'
import { plainValue } from '../../src/identity/scim/plain-value.ts'
import { GROUP, URN, USER } from '../../src/identity/scim/schemas.ts'
import { op, refusal } from './scim.ts'

describe('a PATCH', () => {
  const body = (...Operations: unknown[]) => ({ schemas: [URN.patch], Operations })

  it('is read in any case, in its order', () => {
    const operations = [
      { op: 'Replace', path: 'title', value: 'x' },
      { OP: 'ADD', Value: { a: 1 } },
      { op: 'remove', path: 'title' },
    ]
    const expected = [op('replace', 'title', 'x'), op('add', undefined, { a: 1 }), op('remove', 'title')]
    expect(operationsOf(body(...operations))).toEqual(expected)
    expect(operationsOf({ SCHEMAS: ['x', URN.patch.toUpperCase()], operations })).toEqual(expected)
    expect(operationsOf(body({ op: 'add', path: null, value: 1 }))).toEqual([op('add', undefined, 1)])
  })

  it.each<[string, unknown, string, string]>([
    ['no body', undefined, 'invalidValue', 'schemas is missing'],
    ['another schema', { ...body(op('remove', 'x')), schemas: ['x'] }, 'invalidValue', `schemas must name ${URN.patch}`],
    ['no operations', { schemas: [URN.patch] }, 'invalidValue', 'Operations is missing'],
    ['an operation of its own', body({ op: 'move' }), 'invalidValue', expect.stringMatching(/^Operations\.0\.op /) as never],
    ['an empty path', body({ op: 'add', path: '' }), 'invalidValue', expect.stringMatching(/^Operations\.0\.path /) as never],
    ['names twice', body({ op: 'add', OP: 'add' }), 'invalidValue', 'a name is given twice, in different cases'],
  ])('is refused with %s', (_, given, kind, message) => {
    expect(refusal(() => operationsOf(given))).toEqual([kind, message])
  })

  it('has a path that fits, and at most a thousand operations', () => {
    const many = Array.from({ length: 1000 }, () => ({ op: 'add', path: 'p'.repeat(2500), value: 1 }))
    expect(operationsOf(body(...many))).toHaveLength(1000)
    expect(() => operationsOf(body(...many, many[0]))).toThrow(
      expect.objectContaining({ code: 'input.too_large', message: 'a PATCH takes at most 1000 operations' }),
    )
    expect(refusal(() => operationsOf(body({ op: 'add', path: 'p'.repeat(2501) })))[1]).toMatch(/^Operations\.0\.path /)
    expect(refusal(() => operationsOf(body()))[1]).toMatch(/^operations |^Operations /i)
  })

  it('asks for what each operation must have', () => {
    expect(refusal(() => checkOperation(op('remove')))).toEqual(['noTarget', 'remove needs a path'])
    expect(refusal(() => checkOperation(op('add', 'x')))).toEqual(['invalidValue', 'add needs a value'])
    expect(refusal(() => checkOperation(op('replace')))).toEqual(['invalidValue', 'replace needs a value'])
    for (const fine of [op('remove', 'x'), op('add', 'x', null), op('replace', undefined, {})]) checkOperation(fine)
  })

  it('has objects where there are names and values', () => {
    const words = ['invalidValue', 'the value must be an object with the attributes to change']
    for (const none of [undefined, null, 'x', 5, ['x']]) {
      expect(refusal(() => partsOf(none))).toEqual(words)
      expect(inLowerCase(none)).toEqual({})
    }
    expect(partsOf({ A: 1 })).toEqual([['A', 1]])
    expect(inLowerCase({ A: { B: 1 } })).toEqual({ a: { B: 1 } })
  })
})

describe('a plain value', () => {
  const flag = { ...USER.attributes.find(({ name }) => name === 'active')! }
  const line = { ...USER.attributes.find(({ name }) => name === 'title')! }
  it('is taken as clients write it', () => {
    for (const yes of [true, 'true', 'True', 'TRUE']) expect(plainValue(flag, yes)).toBe(true)
    for (const no of [false, 'false', 'False']) expect(plainValue(flag, no)).toBe(false)
    expect(plainValue(line, 'x')).toBe('x')
    expect(plainValue(line, 7)).toBe('7')
  })
  it('is refused when it is another kind of thing', () => {
    for (const odd of ['yes', 1, 0, null, []]) {
      expect(refusal(() => plainValue(flag, odd))).toEqual(['invalidValue', 'active must be true or false'])
    }
    for (const odd of [true, null, {}, []]) {
      expect(refusal(() => plainValue(line, odd))).toEqual(['invalidValue', 'title must be text'])
    }
  })
})

describe('a path', () => {
  const told = (path: string, schema = USER) => {
    const target = findTarget(path, schema)
    if (target === undefined || target === 'dropped') return target
    return [target.attribute.name, target.part?.name, target.filter?.kind].filter(Boolean).join(' ')
  }
  it.each<[string, string | undefined]>([
    ['userName', 'userName'],
    [' USERNAME ', 'userName'],
    ['externalId', 'externalId'],
    ['name.givenName', 'name givenName'],
    [`${URN.user}:name.givenName`, 'name givenName'],
    [`${URN.user.toUpperCase()}:title`, 'title'],
    [`${URN.enterprise}:department`, 'department'],
    [`${URN.enterprise.toUpperCase()}:manager.value`, 'manager value'],
    ['department', undefined],
    [`${URN.enterprise}:title`, undefined],
    ['urn:of:somebody:else:x', 'dropped'],
    ['nickName', 'dropped'],
    ['phoneNumbers[type eq "work"].value', 'dropped'],
    ['name.honorificPrefix', 'dropped'],
    ['emails[type eq "work"].value', 'emails value compare'],
    ['emails[type eq "work"]', 'emails compare'],
    ['emails[type eq "a]b"].value', 'emails value compare'],
    ['title[type eq "work"]', undefined],
    ['title.value', undefined],
    ['unknown', undefined],
    ['', undefined],
    ['userName.', undefined],
    ['x userName', undefined],
    ['userName x', undefined],
    ['1', undefined],
  ])('%s means %s', (path, expected) => {
    expect(told(path)).toBe(expected)
  })

  it('of a group means what groups have, and of the company nothing', () => {
    expect(told('members[value eq "x"]', GROUP)).toBe('members compare')
    expect(told(`${URN.group}:displayName`, GROUP)).toBe('displayName')
    expect(told(`${URN.enterprise}:department`, GROUP)).toBe('dropped')
    expect(told('userName', GROUP)).toBeUndefined()
  })

  it('that is none is refused, and one that is not the client’s to change', () => {
    expect(refusal(() => targetOf('x'.repeat(200), USER))).toEqual(['invalidPath', `there is no attribute "${'x'.repeat(100)}"`])
    expect(refusal(() => targetOf('id', USER))).toEqual(['mutability', 'id is read-only'])
    expect(refusal(() => targetOf(`${URN.enterprise}:manager.displayName`, USER))[0]).toBe('mutability')
    expect(targetOf('nickName', USER)).toBe('dropped')
    expect(targetOf('title', USER)).toMatchObject({ attribute: { name: 'title' } })
    const title = findTarget('title', USER)
    expect(title && title !== 'dropped' && isReadOnly(title)).toBe(false)
  })
})
