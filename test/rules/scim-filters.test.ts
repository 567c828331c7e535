import { describe, expect, it } from 'vitest'
import { type Filter, parseFilter } from '../../src/identity/scim/filter.ts'
import { descriptionIn, matches } from '../../src/identity/scim/filter-match.ts'
import { type Column, conditionOf, withoutSchema } from '../../src/identity/scim/filter-sql.ts'
import { refusal } from './scim.ts'

const is = (path: string, operator: string, value: unknown) => ({ kind: 'compare', path, operator, value })
const a = is('a', 'eq', 1)
const b = is('b', 'eq', 2)
const c = is('c', 'eq', 3)

describe('a filter', () => {
  it.each<[string, unknown]>([
    ['userName eq "ann"', is('userName', 'eq', 'ann')],
    ['  userName   EQ "ann"  ', is('userName', 'eq', 'ann')],
    ['a eq "q\\"\\\\\\u00e4"', is('a', 'eq', 'q"\\\u00e4')],
    ['a eq ""', is('a', 'eq', '')],
    ['a eq TRUE', is('a', 'eq', true)],
    ['a ne False', is('a', 'ne', false)],
    ['a eq null', is('a', 'eq', null)],
    ['a gt -12.50', is('a', 'gt', -12.5)],
    ['a ge 10', is('a', 'ge', 10)],
    ['a lt 1', is('a', 'lt', 1)],
    ['a le 1', is('a', 'le', 1)],
    ['a co "x"', is('a', 'co', 'x')],
    ['a sw "x"', is('a', 'sw', 'x')],
    ['a ew "x"', is('a', 'ew', 'x')],
    ['manager.$ref eq "x"', is('manager.$ref', 'eq', 'x')],
    ['urn:x:2.0:User:user-name_1 eq "x"', is('urn:x:2.0:User:user-name_1', 'eq', 'x')],
    ['title PR', { kind: 'present', path: 'title' }],
    ['a eq 1 and b eq 2 or c eq 3', { kind: 'or', parts: [{ kind: 'and', parts: [a, b] }, c] }],
    ['a eq 1 or b eq 2 AND c eq 3', { kind: 'or', parts: [a, { kind: 'and', parts: [b, c] }] }],
    ['a eq 1 and b eq 2 and c eq 3', { kind: 'and', parts: [a, b, c] }],
    ['(a eq 1 OR b eq 2) and c eq 3', { kind: 'and', parts: [{ kind: 'or', parts: [a, b] }, c] }],
    ['NOT (a eq 1)', { kind: 'not', part: a }],
    ['not(a eq 1) or b eq 2', { kind: 'or', parts: [{ kind: 'not', part: a }, b] }],
    ['not eq 1', is('not', 'eq', 1)],
    ['emails[a eq 1 and b eq 2]', { kind: 'any', path: 'emails', part: { kind: 'and', parts: [a, b] } }],
    ['emails[a eq 1].b eq 2', { kind: 'any', path: 'emails', part: { kind: 'and', parts: [a, b] } }],
    ['emails[a eq 1] or b eq 2', { kind: 'or', parts: [{ kind: 'any', path: 'emails', part: a }, b] }],
    ['((((((((((a eq 1))))))))))', a],
    [`a eq "${'x'.repeat(1993)}"`, is('a', 'eq', 'x'.repeat(1993))],
  ])('%s is read', (text, filter) => {
    expect(parseFilter(text)).toEqual(filter)
  })

  it.each([
    ['', 'it ends too early'],
    ['a', 'it ends too early'],
    ['a eq', 'a value is missing; put text in quotes'],
    ['a eq ann', 'a value is missing; put text in quotes'],
    ['a eq (', 'a value is missing; put text in quotes'],
    ['a is "x"', 'is is not an operator'],
    [`a ${'o'.repeat(50)} 1`, `${'o'.repeat(40)} is not an operator`],
    ['a eq 1 b', 'b is not expected where it stands'],
    [`a eq 1 ${'b'.repeat(50)}`, `${'b'.repeat(40)} is not expected where it stands`],
    ['a eq 1)', ') is not expected where it stands'],
    ['(a eq 1', 'a ) is missing'],
    ['emails[a eq 1', 'a ] is missing'],
    ['emails[a eq 1)', 'a ] is missing'],
    ['"a" eq 1', '"a" is not expected where it stands'],
    [`"${'a'.repeat(50)}" eq 1`, `"${'a'.repeat(39)} is not expected where it stands`],
    ['a ( 1', '( is not expected where it stands'],
    ['a eq "x\\q"', 'a value in quotes is not well written'],
    ['a eq "\\ud800"', 'a value in quotes is not well written'],
    ['a eq "\\u0000"', 'a value in quotes is not well written'],
    ['a eq "x', 'nothing in a filter begins with character 6'],
    ['a eq 1x', 'nothing in a filter begins with character 6'],
    ['a eq 1.', 'nothing in a filter begins with character 6'],
    ['a eq ;', 'nothing in a filter begins with character 6'],
    ['(((((((((((a eq 1)))))))))))', 'it is nested more than 10 deep'],
    [`a eq "${'x'.repeat(1994)}"`, 'it has more than 2000 characters'],
  ])('%s is refused', (text, why) => {
    expect(refusal(() => parseFilter(text))).toEqual(['invalidFilter', `the filter cannot be read: ${why}`])
  })
})

describe('a value', () => {
  const WORK = { type: 'Work', value: 'ann@example.com', primary: true }
  it.each([
    ['type eq "work"', true],
    ['type eq "home"', false],
    ['TYPE eq "WORK"', true],
    ['urn:ietf:params:scim:schemas:core:2.0:User:type eq "work"', true],
    ['type ne "home"', true],
    ['type ne "work"', false],
    ['primary eq true', true],
    ['primary eq "True"', true],
    ['primary eq false', false],
    ['display eq null', true],
    ['type eq null', false],
    ['toString pr', false],
    ['type pr', true],
    ['display pr', false],
    ['value co "EXAMPLE"', true],
    ['value co "x@"', false],
    ['value sw "ANN"', true],
    ['value sw "nn"', false],
    ['value ew ".COM"', true],
    ['value ew ".co"', false],
    ['display co "x"', false],
    ['display sw "x"', false],
    ['display ew "x"', false],
    ['value co null', true],
    ['value sw null', true],
    ['value ew null', true],
    ['type eq "work" and primary eq true', true],
    ['type eq "work" and primary eq false', false],
    ['type eq "home" or primary eq true', true],
    ['type eq "home" or primary eq false', false],
    ['not (type eq "home")', true],
    ['not (type eq "work")', false],
  ])('is meant by %s: %s', (text, expected) => {
    expect(matches(parseFilter(text), WORK)).toBe(expected)
  })

  it.each(['gt', 'ge', 'lt', 'le'])('has no order to be asked by %s', (operator) => {
    const [kind, message] = refusal(() => matches(parseFilter(`value ${operator} "a"`), WORK))
    expect([kind, message]).toEqual(['invalidFilter', 'the filter cannot be read: these values cannot be ordered: use eq or ne'])
  })

  it('has nothing further inside', () => {
    const asked = () => matches(parseFilter('value[a eq 1]'), WORK)
    expect(refusal(asked)).toEqual(['invalidFilter', 'the filter cannot be read: a filter in brackets cannot hold another one'])
  })

  it.each<[string, object | undefined]>([
    ['type eq "work"', { type: 'work' }],
    ['TYPE eq "Work" and primary eq true', { type: 'Work', primary: true }],
    ['type ne "work"', undefined],
    ['type pr', undefined],
    ['type eq 5', undefined],
    ['type eq null', undefined],
    ['type eq "work" and primary ne true', undefined],
    ['type eq "work" or primary eq true', undefined],
  ])('that is to be made is described by %s as %o', (text, expected) => {
    expect(descriptionIn(parseFilter(text))).toEqual(expected)
  })
})

describe('a condition in SQL', () => {
  const emails: Column = {
    kind: 'many',
    from: 'emails e',
    columns: new Map<string, Column>([
      ['value', { kind: 'text', sql: 'e.value', caseExact: false }],
      ['type', { kind: 'text', sql: 'e.type', caseExact: false }],
    ]),
  }
  const COLUMNS = new Map<string, Column>([
    ['username', { kind: 'text', sql: 'u.name', caseExact: false }],
    ['id', { kind: 'text', sql: 'u.id', caseExact: true }],
    ['active', { kind: 'flag', sql: 'u.active' }],
    ['meta.created', { kind: 'moment', sql: 'u.made' }],
    ['emails', emails],
  ])
  const of = (text: string) => {
    const values: unknown[] = []
    return [conditionOf(parseFilter(text), COLUMNS, values), ...values]
  }

  it.each([
    ['userName eq "Ann"', '(lower(u.name) = lower($1::text))', 'Ann'],
    ['userName ne "Ann"', '(lower(u.name) is distinct from lower($1::text))', 'Ann'],
    ['userName gt "Ann"', '(lower(u.name) > lower($1::text))', 'Ann'],
    ['userName ge "Ann"', '(lower(u.name) >= lower($1::text))', 'Ann'],
    ['userName lt "Ann"', '(lower(u.name) < lower($1::text))', 'Ann'],
    ['userName le "Ann"', '(lower(u.name) <= lower($1::text))', 'Ann'],
    ['userName co "Ann"', '(strpos(lower(u.name), lower($1::text)) > 0)', 'Ann'],
    ['userName sw "Ann"', 'starts_with(lower(u.name), lower($1::text))', 'Ann'],
    ['id ew "Ann"', '(right(u.id, length($1::text)) = $1::text)', 'Ann'],
    ['id eq "Ann"', '(u.id = $1::text)', 'Ann'],
    ['userName eq null', '(u.name is null)'],
    ['userName ne null', '(u.name is not null)'],
    ['userName pr', '(u.name is not null)'],
    ['active eq true', '(coalesce(u.active, false) = $1::boolean)', true],
    ['active ne "FALSE"', '(coalesce(u.active, false) <> $1::boolean)', false],
    ['active eq "true"', '(coalesce(u.active, false) = $1::boolean)', true],
    ['emails pr', 'exists (select from emails e where true)'],
    ['emails eq "x"', 'exists (select from emails e where (lower(e.value) = lower($1::text)))', 'x'],
    ['emails ne "x"', 'not exists (select from emails e where (lower(e.value) = lower($1::text)))', 'x'],
    ['emails.type eq "x"', 'exists (select from emails e where (lower(e.type) = lower($1::text)))', 'x'],
    ['emails[type eq "x"]', 'exists (select from emails e where (lower(e.type) = lower($1::text)))', 'x'],
    ['id eq "a" and active eq true', '((u.id = $1::text) and (coalesce(u.active, false) = $2::boolean))', 'a', true],
    ['id eq "a" or id eq "b"', '((u.id = $1::text) or (u.id = $2::text))', 'a', 'b'],
    ['not (id eq "a")', '((u.id = $1::text) is not true)', 'a'],
  ])('is made of %s, and what its author wrote is a value', (text, ...sql) => {
    expect(of(text)).toEqual(sql)
  })

  it.each([
    ['eq', '='],
    ['ne', '<>'],
    ['gt', '>'],
    ['ge', '>='],
    ['lt', '<'],
    ['le', '<='],
  ])('compares moments by %s to the millisecond', (operator, sign) => {
    expect(of(`meta.created ${operator} "2030-01-31T12:00:00.5Z"`)).toEqual([
      `(date_trunc('milliseconds', u.made) ${sign} to_timestamp($1::double precision))`,
      Date.UTC(2030, 0, 31, 12, 0, 0, 500) / 1000,
    ])
  })

  it.each([
    '2030-01-31T12:00Z',
    '2030-01-31T12:00:00z',
    '2030-01-31T12:00:00.123456789Z',
    '2030-01-31T13:00:00+01:00',
    '2030-01-31T10:30-01:30',
  ])('takes %s for a moment', (moment) => expect(of(`meta.created eq "${moment}"`)[1]).toBe(Date.parse(moment) / 1000))

  it.each([
    '2030-01-31',
    'x2030-01-31T12:00Z',
    '2030-01-31T12:00Zx',
    '2030-01-31T12:00',
    '2030-1-31T12:00Z',
    '02030-01-31T12:00Z',
    '2030-01-31T12Z',
    '2030-01-31T12:00:0Z',
    '2030-01-31T12:00:00.Z',
    '2030-01-31T12:00:00.1234567890Z',
    '2030-01-31T12:00+1:00',
    '2030-01-31T12:00+01:0',
    '2030-01-31T12:00+0100',
    '2030-13-31T12:00Z',
    '2030-01-3T12:00Z',
    '2030-01-31T1:00Z',
    '2030-01-31T12:0Z',
  ])('takes %s for no moment', (moment) => {
    expect(refusal(() => of(`meta.created eq "${moment}"`))).toEqual([
      'invalidFilter',
      expect.stringContaining('meta.created is compared with a moment like'),
    ])
  })

  it.each([
    ['nickName eq "x"', 'nickName cannot be filtered by'],
    [`${'n'.repeat(200)} eq "x"`, `${'n'.repeat(100)} cannot be filtered by`],
    ['userName.first eq "x"', 'userName.first cannot be filtered by'],
    ['emails.display eq "x"', 'emails.display cannot be filtered by'],
    ['userName[a eq 1]', 'userName is not a list of values'],
    ['userName eq 5', 'userName is compared with text in quotes'],
    ['userName eq true', 'userName is compared with text in quotes'],
    ['userName gt null', 'null can be compared with eq and ne only'],
    ['active eq "yes"', 'active is compared with true or false, by eq or ne'],
    ['active eq 1', 'active is compared with true or false, by eq or ne'],
    ['active gt true', 'active is compared with true or false, by eq or ne'],
    ['active co true', 'active is compared with true or false, by eq or ne'],
    ['meta.created eq 5', 'meta.created is compared with a moment like 2030-01-31T12:00:00Z, by eq, ne, gt, ge, lt or le'],
    [
      'meta.created co "2030-01-31T12:00:00Z"',
      'meta.created is compared with a moment like 2030-01-31T12:00:00Z, by eq, ne, gt, ge, lt or le',
    ],
  ])('is not made of %s', (text, why) => {
    expect(refusal(() => of(text))).toEqual(['invalidFilter', `the filter cannot be read: ${why}`])
  })

  it('knows its columns with and without their schema, in any case', () => {
    for (const schema of ['core:2.0:User', 'core:2.0:Group', 'extension:enterprise:2.0:User']) {
      expect(withoutSchema(`urn:ietf:params:scim:schemas:${schema}:userName`)).toBe('username')
    }
    expect(withoutSchema('x:urn:ietf:params:scim:schemas:core:2.0:User:a')).toBe('x:urn:ietf:params:scim:schemas:core:2.0:user:a')
    expect(withoutSchema('urn:ietf:params:scim:schemas:core:2x0:User:a')).toBe('urn:ietf:params:scim:schemas:core:2x0:user:a')
  })

  it('is never made of a part of what is not there', () => {
    const empty: Filter = { kind: 'compare', path: 'emails.', operator: 'eq', value: 'x' }
    expect(refusal(() => conditionOf(empty, COLUMNS, []))[1]).toContain('emails. cannot be filtered by')
  })
})
