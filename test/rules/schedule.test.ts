import { describe, expect, it } from 'vitest'
import { momentsBetween, momentWithJitter, mustComeAbout, nextMoment, opening, type Plan } from '../../src/rotation/schedule.ts'
import type { BrokerError } from '../../src/sdk/index.ts'

const cron = (line: string, timeZone = 'Europe/Berlin', more: Partial<Plan> = {}): Plan => ({
  schedule: { kind: 'cron', line, timeZone },
  windows: [],
  jitterSeconds: 0,
  ...more,
})
const every = (seconds: number, more: Partial<Plan> = {}): Plan => ({
  schedule: { kind: 'every', seconds },
  windows: [],
  jitterSeconds: 0,
  ...more,
})
const window = (days: readonly ('mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun')[], from: string, to: string) => ({
  days: [...days],
  from,
  to,
  timeZone: 'Europe/Berlin',
})
const at = (text: string) => new Date(text)
const NOW = at('2026-11-26T00:00:00Z')

describe('the next moment of a schedule', () => {
  it.each([
    ['is half past two by the clocks of its zone', cron('30 2 * * *'), '2026-06-01T12:00:00Z', '2026-06-02T00:30:00Z'],
    ['comes later where a change of clocks skips it', cron('30 2 * * *'), '2026-03-28T12:00:00Z', '2026-03-29T01:00:00Z'],
    [
      'is the first of two where a change of clocks repeats it',
      cron('30 2 * * *'),
      '2026-10-24T12:00:00Z',
      '2026-10-25T00:30:00Z',
    ],
    ['comes once where a change of clocks repeats it', cron('30 2 * * *'), '2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
    ['comes when midnight does not', cron('0 0 * * *', 'America/Sao_Paulo'), '2018-11-03T12:00:00Z', '2018-11-04T03:00:00Z'],
    ['is the next 29 February', cron('0 0 29 2 *', 'UTC'), '2026-01-01T00:00:00Z', '2028-02-29T00:00:00Z'],
    ['is an interval later', every(7200), '2026-01-01T00:00:00Z', '2026-01-01T02:00:00Z'],
    [
      'waits for the window of an interval',
      every(7200, { windows: [window(['mon'], '02:00', '04:00')] }),
      '2026-11-26T00:00:00Z',
      '2026-11-30T01:00:00Z',
    ],
    [
      'leaves out what lies in no window of a cron line',
      cron('0 2 * * *', 'Europe/Berlin', { windows: [window(['sat'], '01:00', '03:00')] }),
      '2026-11-26T00:00:00Z',
      '2026-11-28T01:00:00Z',
    ],
  ])('%s', (_, plan, after, next) => {
    expect(nextMoment(plan, at(after))).toEqual(at(next))
  })

  it('is later by chance, at most by its jitter, and never out of its window', () => {
    const plan = every(7200, { jitterSeconds: 600 })
    expect(momentWithJitter(plan, NOW, 0).startsAt).toEqual(NOW)
    expect(momentWithJitter(plan, NOW, 0.5).startsAt).toEqual(at('2026-11-26T00:05:00Z'))
    const closing = { ...plan, windows: [window(['thu'], '00:00', '01:02')] }
    expect(momentWithJitter(closing, NOW, 0.9).startsAt).toEqual(NOW)
  })

  it('counts what was missed', () => {
    expect(momentsBetween(cron('0 * * * *'), NOW, at('2026-11-26T05:30:00Z'))).toBe(5)
    expect(momentsBetween(every(7200), NOW, at('2026-11-26T01:30:00Z'))).toBe(0)
  })

  it('opens a window where clocks skip its beginning, at the next one that is there', () => {
    const skipped = [window(['sun'], '02:10', '02:40')]
    expect(opening(skipped, at('2026-03-28T12:00:00Z'))).toEqual(at('2026-04-05T00:10:00Z'))
  })
})

describe('a schedule that makes no sense', () => {
  it.each<[string, Plan, string, RegExp]>([
    ['30 February', cron('0 0 30 2 *'), 'schedule.line', /never comes/],
    ['31 April and June', cron('0 0 31 4,6 *'), 'schedule.line', /never comes/],
    ['not a cron line', cron('61 0 * * *'), 'schedule.line', /is not a cron line/],
    ['words', cron('every day at noon please'), 'schedule.line', /is not a cron line/],
    ['a date', cron('2030-01-01T00:00:00'), 'schedule.line', /five fields/],
    ['seconds', cron('0 0 2 * * *'), 'schedule.line', /five fields/],
    ['every minute', cron('* * * * *'), 'schedule.line', /more often/],
    ['twice in an hour, once a year', cron('0,30 1 1 1 *'), 'schedule.line', /more often/],
    [
      'a window that never opens when it comes',
      cron('0 12 * * *', 'Europe/Berlin', { windows: [window(['mon'], '01:00', '05:00')] }),
      'windows',
      /none of the schedule’s moments/,
    ],
    ['a jitter as long as the interval', every(3600, { jitterSeconds: 3600 }), 'jitterSeconds', /longer/],
  ])('is refused by its field: %s', (_, plan, field, message) => {
    const refused = refusalOf(plan)
    expect(refused).toMatchObject({ code: 'input.invalid', field, message: expect.stringMatching(message) })
    expect(refused?.fix).toBeTruthy()
  })

  it.each([
    ['every hour, over a change of clocks', cron('30 * * * *'), '2026-10-24T00:00:00Z'],
    ['twice a night, which a change of clocks brings together', cron('30 1,2 * * *'), '2026-03-27T00:00:00Z'],
    ['once a year', cron('0 0 1 1 *'), '2026-01-01T00:00:00Z'],
  ])('is not one that comes %s', (_, plan, now) => {
    expect(() => mustComeAbout(plan, at(now))).not.toThrow()
  })
})

function refusalOf(plan: Plan): BrokerError | undefined {
  try {
    mustComeAbout(plan, NOW)
    return undefined
  } catch (error) {
    return error as BrokerError
  }
}
