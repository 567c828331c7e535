import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ID_PREFIXES, type IdPrefix, id } from '../../src/contract/id.ts'
import { isId, newId } from '../../src/platform/ids.ts'

describe('an id', () => {
  it('says what it names, in lower case', () => {
    for (const prefix of Object.keys(ID_PREFIXES) as IdPrefix[]) {
      const made = newId(prefix)
      expect(made).toMatch(/^[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}$/)
      expect(isId(prefix, made)).toBe(true)
      expect(id(prefix).parse(made)).toBe(made)
    }
  })

  it('is never given twice', () => {
    expect(new Set(Array.from({ length: 10_000 }, () => newId('grt'))).size).toBe(10_000)
  })

  it('begins with the time, so that later ones sort later', () => {
    const millisecond = (made: string) =>
      Array.from(made.slice(4, 14)).reduce((sum, c) => sum * 32 + '0123456789abcdefghjkmnpqrstvwxyz'.indexOf(c), 0)
    const before = Date.now()
    const time = millisecond(newId('grt'))
    expect(time).toBeGreaterThanOrEqual(before)
    expect(time).toBeLessThanOrEqual(Date.now())
  })

  it.each([
    ['of another kind', newId('req')],
    ['in upper case', newId('grt').toUpperCase()],
    ['too short', newId('grt').slice(0, -1)],
    ['too long', `${newId('grt')}0`],
    ['with a line break', `${newId('grt')}\n`],
    ['above 128 bits', `grt_8${'0'.repeat(25)}`],
    ['with a letter that is not in the alphabet', `grt_${'0'.repeat(25)}u`],
    ['not text', 7],
  ])('is refused when it is %s', (_, value) => {
    expect(isId('grt', value)).toBe(false)
    const { error } = id('grt').safeParse(value)
    expect(error?.issues[0]?.message).toBe('is not the id of a grant (grt_ and 26 characters)')
  })

  it('has a pattern in the API description', () => {
    const { pattern } = z.toJSONSchema(id('grt'))
    expect(newId('grt')).toMatch(new RegExp(pattern!))
    expect(newId('req')).not.toMatch(new RegExp(pattern!))
  })
})
