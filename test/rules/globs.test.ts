import fc from 'fast-check'
import { expect, it } from 'vitest'
import { escapeLike, globToRegex, matchesGlob } from '../../src/integrations/resources/glob.ts'

it.each<[string, string, boolean]>([
  ['kv/app/db', 'kv/app/db', true],
  ['kv/app/db', 'kv/app/d', false],
  ['kv/app/d', 'kv/app/db', false],
  ['kv/app/db', 'xkv/app/db', false],
  ['kv/*', 'kv/app', true],
  ['kv/*', 'kv/', true],
  ['kv/*', 'kv/app/db', false],
  ['kv/**', 'kv/app/db', true],
  ['kv/**', 'kv/', true],
  ['kv/**', 'kv', false],
  ['kv/***', 'kv/app/db', true],
  ['*/db', 'app/db', true],
  ['*/db', '/db', true],
  ['**/db', 'kv/app/db', true],
  ['kv/*/db', 'kv/app/web/db', false],
  ['kv/a*b*c', 'kv/axxbxxc', true],
  ['kv/a*b*c', 'kv/axxcxxb', false],
  ['*', '', true],
  ['**', '', true],
  ['', '', true],
  ['', 'a', false],
  ['*', 'a/b', false],
  ['*a', 'aaa', true],
  ['a.b', 'axb', false],
  ['a[b]', 'ab', false],
])('the glob %s fits %s: %s', (glob, name, expected) => {
  expect(matchesGlob(glob, name)).toBe(expected)
  expect(new RegExp(globToRegex(glob), 's').test(name)).toBe(expected)
})

it('a glob fits what its regular expression fits', () => {
  const piece = fc.constantFrom(...'a b / * ** . \\ ( [ ] { } + ? ^ $ |'.split(' '))
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))
  fc.assert(
    fc.property(text, text, (glob, name) => {
      expect(matchesGlob(glob, name)).toBe(new RegExp(globToRegex(glob), 's').test(name))
    }),
    { numRuns: 500 },
  )
})

it('a glob is a regular expression from the first character to the last, and LIKE takes its text as it stands', () => {
  expect(globToRegex('a.b/*/**')).toBe('^a\\.b/[^/]*/.*$')
  expect(globToRegex('\\^$.|?+()[]{}')).toBe('^\\\\\\^\\$\\.\\|\\?\\+\\(\\)\\[\\]\\{\\}$')
  expect(escapeLike('50%_\\x')).toBe('50\\%\\_\\\\x')
})
