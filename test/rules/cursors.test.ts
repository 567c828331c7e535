import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Cursors } from '../../src/platform/http/cursors.ts'

const cursors = new Cursors(Buffer.alloc(32, 1))
const NAMES = { list: 'names', position: z.string() }
const page = (rows: string[], limit: number, of = cursors) =>
  of.page(
    NAMES,
    rows,
    limit,
    (row) => row,
    (row) => row.toUpperCase(),
  )
const notOurs = expect.objectContaining({
  code: 'input.invalid',
  field: 'cursor',
  message: 'is not a cursor of this list',
})

describe('a page', () => {
  it('has no next where there is nothing more', () => {
    expect(page(['a', 'b'], 2)).toEqual({ items: ['A', 'B'], next: null })
    expect(page([], 2)).toEqual({ items: [], next: null })
  })

  it('leads on from its last item, and not from the one too many', () => {
    const { items, next } = page(['a', 'b', 'c'], 2)
    expect(items).toEqual(['A', 'B'])
    expect(cursors.read(NAMES, next!)).toBe('b')
    expect(new Cursors(Buffer.alloc(32, 1)).read(NAMES, next!)).toBe('b')
  })

  it('begins at the beginning without a cursor', () => {
    expect(cursors.read(NAMES, undefined)).toBeUndefined()
  })

  it('leads on from the longest name there may be', () => {
    const long = '\u0001'.repeat(2000)
    expect(cursors.read(NAMES, page([long, 'x'], 1).next!)).toBe(long)
  })
})

describe('a cursor', () => {
  const { next } = page(['a', 'b'], 1)
  const [body, tag] = next!.split('.') as [string, string]
  it.each([
    ['is empty', ''],
    ['has no tag', body],
    ['has an empty tag', `${body}.`],
    ['has a tag cut short', `${body}.${tag.slice(0, -3)}`],
    ['has a tag and more', `${next}.x`],
    ['has another tag', `${body}.${Buffer.alloc(16).toString('base64url')}`],
    ['has another body', `${deflateRawSync('"z"').toString('base64url')}.${tag}`],
  ])('is refused when it %s', (_, cursor) => {
    expect(() => cursors.read(NAMES, cursor)).toThrow(notOurs)
  })

  it('is refused by another list, another broker, and where it says something else than a place in the list', () => {
    expect(() => cursors.read({ ...NAMES, list: 'others' }, next!)).toThrow(notOurs)
    expect(() => new Cursors(Buffer.alloc(32, 2)).read(NAMES, next!)).toThrow(notOurs)
    expect(() => cursors.read({ ...NAMES, position: z.number() }, next!)).toThrow(notOurs)
  })

  it('is refused when what it unpacks to is longer than any place', () => {
    const huge = page(['x'.repeat(20_000), 'y'], 1).next!
    expect(() => cursors.read(NAMES, huge)).toThrow(notOurs)
  })
})
