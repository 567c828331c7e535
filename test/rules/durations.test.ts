import fc from 'fast-check'
import { expect, it } from 'vitest'
import { inWords, seconds } from '../../src/cli/duration.ts'

it.each([
  ['90s', 90],
  ['15m', 900],
  ['1h30m', 5400],
  ['2d', 172_800],
  ['1d2h3m4s', 93_784],
  ['0d1s', 1],
])('%s is %i seconds', (text, expected) => {
  expect(seconds(text)).toBe(expected)
})

it.each(['', '0s', '90', 'm', '1m1h', '1.5h', '-1s', ' 1s', '1s ', '1S', '1w', '99999999999999999d', 'x1s', '1sx'])(
  '%j is no duration',
  (text) => {
    expect(() => seconds(text)).toThrow('Write a duration such as 90s, 15m, 1h30m or 2d.')
  },
)

it.each([
  [0, '0s'],
  [-5, '0s'],
  [0.9, '0s'],
  [1, '1s'],
  [59.9, '59s'],
  [60, '1m'],
  [90, '1m30s'],
  [3600, '1h'],
  [3601, '1h1s'],
  [5400, '1h30m'],
  [86_400, '1d'],
  [93_784, '1d2h'],
])('%d seconds are %s, in two units at most', (total, words) => {
  expect(inWords(total)).toBe(words)
})

it('what is said of a duration under an hour can be read again', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 3599 }), (total) => seconds(inWords(total)) === total))
})
