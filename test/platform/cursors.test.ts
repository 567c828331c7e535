import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Cursors } from '../../src/platform/http/cursors.ts'

const key = randomBytes(32)
const people = { list: 'people', position: z.string() }
const places = { list: 'places', position: z.string() }

const nextOf = (cursors: Cursors) =>
  cursors.page(
    people,
    ['a', 'b'],
    1,
    (one) => one,
    (one) => one,
  ).next!

describe('a cursor', () => {
  it('goes on where the page before ended, on every replica', () => {
    expect(new Cursors(key).read(people, nextOf(new Cursors(key)))).toBe('a')
    expect(new Cursors(key).read(people, undefined)).toBeUndefined()
  })

  it('goes on in no other list, though that is ordered alike, and not for another installation', () => {
    const next = nextOf(new Cursors(key))
    expect(() => new Cursors(key).read(places, next)).toThrow('not made by this broker')
    expect(() => new Cursors(randomBytes(32)).read(people, next)).toThrow('not made by this broker')
  })

  it('is refused when a character of it was changed', () => {
    const next = nextOf(new Cursors(key))
    for (const [at, character] of [...next].entries()) {
      const changed = next.slice(0, at) + (character === 'A' ? 'B' : 'A') + next.slice(at + 1)
      // The last character of a tag has bits that say nothing.
      if (
        Buffer.from(changed.split('.')[1] ?? '', 'base64url').equals(Buffer.from(next.split('.')[1]!, 'base64url')) &&
        at > next.indexOf('.')
      )
        continue
      expect(() => new Cursors(key).read(people, changed)).toThrow('not made by this broker')
    }
  })
})
