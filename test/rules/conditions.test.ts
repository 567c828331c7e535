import { describe, expect, it } from 'vitest'
import { conditionInWords, holds } from '../../src/access/rules/conditions.ts'
import type { Condition } from '../../src/contract/rules.ts'
import { isWithin } from '../../src/platform/time-windows.ts'

const is = (attribute: string, how: 'equal_to' | 'not_equal_to' | 'containing' | 'starting_with', value: string): Condition => ({
  attribute,
  is: how,
  value,
})
const yes = is('team', 'equal_to', 'blue')
const no = is('team', 'equal_to', 'red')

const PERSON = {
  team: 'Blue',
  skills: ['Go', 'TypeScript'],
  nothing: [],
  city: 'Ko\u0308ln',
  street: 'Stra\u00dfe',
}

describe('a condition', () => {
  it.each([
    [is('team', 'equal_to', 'bLUE'), true],
    [is('team', 'equal_to', 'blu'), false],
    [is('skills', 'equal_to', 'go'), true],
    [is('city', 'equal_to', 'k\u00f6LN'), true],
    [is('street', 'equal_to', 'strasse'), false],
    [is('street', 'equal_to', 'strasse'), false],
    [is('team', 'not_equal_to', 'red'), true],
    [is('team', 'not_equal_to', 'BLUE'), false],
    [is('skills', 'not_equal_to', 'Go'), false],
    [is('nothing', 'not_equal_to', 'red'), false],
    [is('unknown', 'not_equal_to', 'red'), false],
    [is('unknown', 'equal_to', 'red'), false],
    [is('toString', 'not_equal_to', 'red'), false],
    [is('team', 'containing', 'LU'), true],
    [is('skills', 'containing', 'script'), true],
    [is('team', 'containing', 'x'), false],
    [is('unknown', 'containing', 'x'), false],
    [is('team', 'starting_with', 'bl'), true],
    [is('skills', 'starting_with', 'type'), true],
    [is('team', 'starting_with', 'lue'), false],
    [is('unknown', 'starting_with', 'x'), false],
    [{ all: [yes, yes] }, true],
    [{ all: [yes, no] }, false],
    [{ any: [no, yes] }, true],
    [{ any: [no, no] }, false],
    [{ all: [yes, { any: [no, { all: [yes] }] }] }, true],
    [{ any: [no, { all: [yes, no] }] }, false],
  ] as const satisfies [Condition, boolean][])('%o holds of somebody: %s', (condition, expected) => {
    expect(holds(condition, PERSON)).toBe(expected)
  })

  it.each([
    [is('team', 'equal_to', 'blue'), 'team is "blue"'],
    [is('team', 'not_equal_to', 'blue'), 'team is not "blue"'],
    [is('team', 'containing', 'b"e'), 'team contains "b\\"e"'],
    [is('team', 'starting_with', 'b'), 'team starts with "b"'],
    [{ all: [yes, no] }, 'team is "blue" and team is "red"'],
    [{ any: [yes, { all: [yes, no] }] }, 'team is "blue" or (team is "blue" and team is "red")'],
  ] as const satisfies [Condition, string][])('%o is told in words', (condition, words) => {
    expect(conditionInWords(condition)).toBe(words)
  })
})

describe('a window', () => {
  const DAY = { days: ['thu' as const], from: '09:30', to: '17:00', timeZone: 'UTC' }
  it.each([
    ['2026-11-26T09:29:59Z', false],
    ['2026-11-26T09:30:00Z', true],
    ['2026-11-26T16:59:59Z', true],
    ['2026-11-26T17:00:00Z', false],
    ['2026-11-25T12:00:00Z', false],
    ['2026-11-27T12:00:00Z', false],
  ])('of a Thursday from 09:30 to 17:00 has %s in it: %s', (at, expected) => {
    expect(isWithin([DAY], new Date(at))).toBe(expected)
    expect(isWithin([{ ...DAY, days: ['sun'] }, DAY], new Date(at))).toBe(expected)
    expect(isWithin([{ ...DAY, days: ['mon', 'thu'] }], new Date(at))).toBe(expected)
  })

  it('goes by the clocks of its own time zone, summer time included', () => {
    const berlin = { ...DAY, timeZone: 'Europe/Berlin' }
    expect(isWithin([berlin], new Date('2026-11-26T08:30:00Z'))).toBe(true)
    expect(isWithin([berlin], new Date('2026-11-26T16:00:00Z'))).toBe(false)
    expect(isWithin([berlin], new Date('2026-07-02T07:30:00Z'))).toBe(true)
    expect(isWithin([{ ...DAY, timeZone: 'Pacific/Auckland' }], new Date('2026-11-25T21:00:00Z'))).toBe(true)
  })

  it('of a whole day begins at midnight and ends with it', () => {
    const whole = { ...DAY, from: '00:00', to: '24:00' }
    expect(isWithin([whole], new Date('2026-11-26T00:00:00Z'))).toBe(true)
    expect(isWithin([whole], new Date('2026-11-26T23:59:59Z'))).toBe(true)
    expect(isWithin([whole], new Date('2026-11-27T00:00:00Z'))).toBe(false)
    expect(isWithin([], new Date('2026-11-26T00:00:00Z'))).toBe(false)
  })
})
