import { afterEach, describe, expect, it, vi } from 'vitest'
import { TimeLeft } from '../../src/platform/pacing/time-left.ts'
import { Secret } from '../../src/sdk/index.ts'
import { begin } from '../../vault/live-token.ts'
import { isWorthRepeating, pauseBefore, rest } from '../../vault/retry.ts'

afterEach(() => void vi.restoreAllMocks())

const answer = (status: number, ...errors: string[]) => ({ status, errors }) as never

describe('a call', () => {
  it.each<[number, string, boolean]>([
    [200, '', false],
    [400, '', false],
    [403, '', false],
    [404, '', false],
    [412, '', true],
    [429, '', true],
    [500, '', false],
    [500, 'cannot: transaction commit failed', true],
    [400, 'cannot: transaction commit failed', false],
    [502, '', false],
    [503, '', true],
  ])('that was answered by %i “%s” is worth repeating: %s', (status, error, expected) => {
    expect(isWorthRepeating(answer(status, 'first', error))).toBe(expected)
  })

  it.each<[number, number, number]>([
    [0, 125, 250],
    [1, 250, 500],
    [3, 1000, 2000],
    [20, 15_000, 30_000],
  ])('rests after attempt %i between %i and %i ms', (attempt, least, most) => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    expect(pauseBefore(attempt)).toBe(least)
    vi.mocked(Math.random).mockReturnValue(1)
    expect(pauseBefore(attempt)).toBe(most)
  })

  it('rests as long as the server asks, within reason, and soon asks again when it ends access', () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    expect(pauseBefore(0, '2')).toBe(2000)
    expect(pauseBefore(0, '3600')).toBe(30_000)
    expect(pauseBefore(0, '2', 'ending')).toBe(1000)
    expect(pauseBefore(9, undefined, 'ending')).toBe(1000)
    expect(pauseBefore(9, undefined, 'opening')).toBe(30_000)
    for (const odd of ['0', '-1', 'Wed, 21 Oct', ['2']]) expect(pauseBefore(0, odd)).toBe(250)
  })

  it('ends its rest with the reason of an abort', async () => {
    const reason = new Error('stopping')
    await expect(rest(60_000, AbortSignal.abort(reason))).rejects.toBe(reason)
    await expect(rest(1)).resolves.toBeUndefined()
  })
})

describe('the time that is left', () => {
  it('goes on by a clock that nobody sets, from before it was read', () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(1000)
    const left = new TimeLeft(new Date('2030-01-01T00:00:00Z'), 5000, 800)
    expect(left.at).toEqual(new Date('2030-01-01T00:00:00Z'))
    expect(left.ms()).toBe(4800)
    now.mockReturnValue(6000)
    expect(left.ms()).toBe(-200)
  })
})

describe('a token of the broker’s own', () => {
  const login = { token: new Secret('t'), leaseSeconds: 3600, renewable: true, uses: 0 }

  it('is renewed at two thirds of its life, or some minutes sooner: many brokers do not come at one moment', () => {
    const draws = [0, 0.5, 1].map((draw) => {
      vi.spyOn(Math, 'random').mockReturnValue(draw)
      return Math.round((begin(0, login).renewAt / 3_600_000) * 1000)
    })
    expect(draws).toEqual([600, 633, 667])
  })

  it('that has no end is never renewed', () => {
    expect(begin(0, { ...login, leaseSeconds: 0 }).renewAt).toBe(Number.POSITIVE_INFINITY)
  })
})
