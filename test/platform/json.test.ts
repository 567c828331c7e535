import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson } from '../../src/sdk/index.ts'

const BACKSLASH = String.raw`{"a":1,"\\":2}`
const KEYS = [
  String.raw`\"`,
  String.raw`\\`,
  String.raw`\n`,
  String.raw`\t`,
  String.raw`\/`,
  String.raw`\u0022`,
  String.raw`\u0061`,
]

describe('a key of one escaped character', () => {
  // The day this fails, Node reads what is written: parseJson can go, and JSON.parse take its places again.
  it('is another one to the JSON.parse of this Node, once it met a key that is a backslash', () => {
    JSON.parse(BACKSLASH)
    expect(Object.keys(JSON.parse(String.raw`{"a":1,"\"":2}`))).toEqual(['a', '\\'])
  })

  it.each(KEYS)('is read as it is written by the broker: %s', (key) => {
    const name = JSON.parse(`"${key}"`) as string
    for (const before of KEYS) {
      parseJson(BACKSLASH)
      parseJson(`{"a":1,"${before}":2}`)
      expect(parseJson(`{"a":1,"${key}":2}`)).toEqual({ a: 1, [name]: 2 })
      expect(parseJson(`{"a":1,"${key}" :[{"a":"\\\\\\":","${key}"\n:{}}]}`)).toEqual({
        a: 1,
        [name]: [{ a: '\\":', [name]: {} }],
      })
    }
  })

  it('changes nothing about what else is read', () => {
    const key = fc.oneof(
      fc.constantFrom('"', '\\', '\n', '\u0001', '__proto__', '1', 'ab', '"x'),
      fc.string({ unit: 'binary', maxLength: 3 }),
    )
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 1 }),
        fc.array(fc.tuple(key, fc.jsonValue({ maxDepth: 1 })), { maxLength: 5 }),
        (value, entries) => {
          const text = JSON.stringify([value, Object.fromEntries(entries), '"\\":', entries])
          parseJson(BACKSLASH)
          const read = parseJson(text)
          expect(JSON.stringify(read)).toBe(text)
        },
      ),
    )
  })

  it('is not let through in what is no JSON', () => {
    for (const text of [
      String.raw`{"\"":}`,
      String.raw`{"\"":1`,
      String.raw`{"a":1,"\"":2}}`,
      String.raw`{"\x":1}`,
      String.raw`{"\"":"`,
    ])
      expect(() => parseJson(text), text).toThrow(SyntaxError)
  })
})
