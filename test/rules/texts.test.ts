import { expect, it } from 'vitest'
import type { z } from 'zod'
import { emailAddress } from '../../src/contract/email.ts'
import { flawOf, name, text } from '../../src/contract/text.ts'
import { durationSeconds, instant } from '../../src/contract/time.ts'

function flaw(schema: z.ZodType, value: unknown): string[] | undefined {
  return schema.safeParse(value).error?.issues.map(({ message }) => message)
}

it.each([
  'ann@example.com',
  'a.b+c@sub.example.co',
  'm\u00fcller@ex\u00e4mple.com',
  "a&b'!#$%*/=?^_`{|}~-@example.com",
  'a@b-c.de',
  'a@1.de',
  `${'l'.repeat(64)}@example.com`,
  'a@x.y1',
])('%s is an address', (value) => {
  expect(flaw(emailAddress, value)).toBeUndefined()
})

it.each([
  '',
  'ann',
  '@example.com',
  'ann@',
  'ann@example',
  'ann@example.c',
  'ann@example.12',
  'ann@.com',
  'ann@example..com',
  'ann@-x.com',
  'ann@x-.com',
  '.ann@example.com',
  'ann.@example.com',
  'a..b@example.com',
  'a b@example.com',
  'ann@exa mple.com',
  '"a"@example.com',
  'a@b@example.com',
  'ann@example.com\n',
  '\nann@example.com',
  'ann@[10.0.0.1]',
  'ann@x_y.com',
  'ann@\u0660a.com',
  `${'l'.repeat(65)}@example.com`,
])('%j is no address', (value) => {
  expect(flaw(emailAddress, value)).toEqual(['is not an email address'])
})

it('an address has at most 254 characters', () => {
  const long = `${'l'.repeat(60)}@${`${'d'.repeat(60)}.`.repeat(3)}`
  expect(flaw(emailAddress, `${long}${'x'.repeat(254 - long.length)}`)).toBeUndefined()
  expect(flaw(emailAddress, `${long}${'x'.repeat(255 - long.length)}`)).toHaveLength(1)
})

it('text is what a database keeps and every parser agrees on', () => {
  const line = text({ max: 3 })
  for (const fine of ['a', 'abc', 'a\nb', ' ', '\u{1f600}']) expect(flaw(line, fine)).toBeUndefined()
  for (const bad of ['', 'abcd', 5]) expect(flaw(line, bad)).toHaveLength(1)
  expect(flaw(line, 'a\0')).toEqual(['contains a NUL character'])
  expect(flaw(line, 'a\ud800')).toEqual(['contains half a character (a lone surrogate)'])
  expect(flaw(text({ max: 3, min: 0 }), '')).toBeUndefined()
  expect(flaw(text({ max: 3, min: 2 }), 'a')).toHaveLength(1)
  expect(flawOf('fine')).toBeUndefined()
})

it.each(['\u0007', '\n', '\u2028', '\u2029', '\u061c', '\u200b', '\u200f', '\u202a', '\u202e', '\u2060', '\u2069', '\ufeff'])(
  'a name has no %j within',
  (character) => {
    expect(flaw(name(), `a${character}b`)).toEqual(['contains a control character or an invisible one'])
  },
)

it('a name is one line, trimmed, of a hundred characters unless another is given', () => {
  expect(name().parse('  Ann \u00e4 ')).toBe('Ann \u00e4')
  for (const fine of ['a', 'x'.repeat(100), '\u2010\u2070']) expect(flaw(name(), fine)).toBeUndefined()
  for (const bad of ['', '   ', 'x'.repeat(101)]) expect(flaw(name(), bad)).toHaveLength(1)
  expect(flaw(name({ max: 2 }), 'abc')).toHaveLength(1)
  expect(flaw(name(), 'a\0b')).toContain('contains a NUL character')
  expect(flaw(name(), 'a\ud800b')).toContain('contains half a character (a lone surrogate)')
})

it('a duration is a whole number of seconds up to a year and a day', () => {
  for (const fine of [1, 366 * 86_400]) expect(flaw(durationSeconds, fine)).toBeUndefined()
  for (const bad of [0, -1, 1.5, 366 * 86_400 + 1, '60', null]) {
    expect(flaw(durationSeconds, bad)).toEqual(['must be a whole number of seconds from 1 to 31622400 (366 days)'])
  }
  expect(flaw(durationSeconds, undefined)).toEqual(['is missing'])
  expect(flaw(instant, '2030-01-01T00:00:00Z')).toBeUndefined()
  expect(flaw(instant, '2030-01-01')).toHaveLength(1)
})
