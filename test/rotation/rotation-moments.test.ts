import { Cron } from 'croner'
import { describe, expect, it, vi } from 'vitest'
import { momentsBetween, nextMoment, opening, type Plan } from '../../src/rotation/schedule.ts'

const DAY_MS = 86_400_000
const START = new Date('2026-03-02T00:00:00Z')
const hourly: Plan = { schedule: { kind: 'cron', line: '0 * * * *', timeZone: 'Europe/Berlin' }, windows: [], jitterSeconds: 0 }
const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
const nights: Plan['windows'][number] = { days: [...days], from: '01:00', to: '03:00', timeZone: 'Europe/Berlin' }

describe('the moments of a rotation', () => {
  it('come one after the other, each in a window', () => {
    expect(nextMoment(hourly, START)).toEqual(new Date('2026-03-02T01:00:00Z'))
    const atNight = { ...hourly, windows: [nights] }
    expect(nextMoment(atNight, new Date('2026-03-02T02:30:00Z'))).toEqual(new Date('2026-03-03T00:00:00Z'))
    expect(opening([nights], new Date('2026-03-02T12:00:00Z'))).toEqual(new Date('2026-03-03T00:00:00Z'))
  })

  it('are counted up to a hundred after an outage, of however long', () => {
    expect(momentsBetween(hourly, START, new Date(START.getTime() + DAY_MS))).toBe(24)
    expect(momentsBetween(hourly, START, new Date(START.getTime() + 365 * DAY_MS))).toBe(100)
  })

  it('are worked out one by one, so that no outage stops everything else', () => {
    const asked = vi.spyOn(Cron.prototype, 'nextRun')
    nextMoment(hourly, START)
    expect(asked.mock.calls.length).toBeLessThanOrEqual(2)
    asked.mockClear()
    momentsBetween(hourly, START, new Date(START.getTime() + 365 * DAY_MS))
    expect(asked.mock.calls.length).toBeLessThanOrEqual(250)
    asked.mockClear()
    opening([nights], START)
    expect(asked.mock.calls.length).toBeLessThanOrEqual(2)
    asked.mockRestore()
  })
})
