import { Cron } from 'croner'
import type { Schedule } from '../contract/rotations.ts'
import type { TimeWindow } from '../contract/rules.ts'
import { isWithin } from '../platform/time-windows.ts'
import { BrokerError } from '../sdk/index.ts'

/** When something is due. */
export interface Plan {
  readonly schedule: Schedule
  /** empty: at any time */
  readonly windows: readonly TimeWindow[]
  readonly jitterSeconds: number
}

/** A moment of the schedule, and when it begins with its jitter. */
export interface Moment {
  readonly at: Date
  readonly startsAt: Date
}

const SHORTEST_MS = 3_600_000
/** So many moments of a cron line are looked at to know how often it comes, and whether any lies in a window. */
const LOOKED_AT = 400
/** Each moment costs a fraction of a millisecond in which nothing else is done here, and after a long outage there are many. */
const COUNTED_AT_MOST = 100

/** The first moment after another one; undefined when there is none. */
export function nextMoment({ schedule, windows }: Plan, after: Date): Date | undefined {
  if (schedule.kind === 'every') return opening(windows, new Date(after.getTime() + schedule.seconds * 1000))
  return firstWithin(windows, momentsOf(schedule, after))
}

/** @param chance from 0 to 1 */
export function momentWithJitter({ windows, jitterSeconds }: Plan, at: Date, chance: number): Moment {
  const startsAt = new Date(at.getTime() + Math.floor(chance * jitterSeconds * 1000))
  return { at, startsAt: windows.length === 0 || isWithin(windows, startsAt) ? startsAt : at }
}

/** A moment itself where it lies in a window, otherwise when the next one opens. */
export function opening(windows: readonly TimeWindow[], from: Date): Date | undefined {
  if (windows.length === 0 || isWithin(windows, from)) return from
  const openings = windows.flatMap(({ days, from: time, timeZone }) => {
    const [hour, minute] = time.split(':').map(Number)
    const cron = new Cron(`${minute} ${hour} * * ${days.join(',')}`, { timezone: timeZone })
    return firstWithin(windows, runsOf(cron, from)) ?? []
  })
  return openings.toSorted(byTime)[0]
}

/** How many moments there are after one of them and up to another time; a hundred at most. */
export function momentsBetween(plan: Plan, after: Date, until: Date): number {
  let count = 0
  for (let at = nextMoment(plan, after); at && at <= until && count < COUNTED_AT_MOST; at = nextMoment(plan, at)) count += 1
  return count
}

/** Throws what is wrong with a plan, naming the field. */
export function mustComeAbout(plan: Plan, now: Date): void {
  const shortestMs = plan.schedule.kind === 'every' ? plan.schedule.seconds * 1000 : shortestOf(plan.schedule, now)
  if (nextMoment(plan, now) === undefined) {
    throw wrong(
      'windows',
      'none of the schedule’s moments lies in one of the windows',
      'change the window, or the hour of the cron line',
    )
  }
  if (plan.jitterSeconds * 1000 >= shortestMs) {
    throw wrong(
      'jitterSeconds',
      'is longer than the time from one run to the next',
      `choose less than ${shortestMs / 1000} seconds`,
    )
  }
}

function shortestOf(schedule: Extract<Schedule, { kind: 'cron' }>, now: Date): number {
  const moments = [...momentsOf(schedule, now)]
  if (moments.length === 0) {
    throw wrong('schedule.line', 'names a day that never comes', 'choose a day that the month has; there is no 30 February')
  }
  // Where clocks are changed two moments may once come closer to each other than the line says.
  const [, shortest = Number.POSITIVE_INFINITY] = moments
    .slice(1)
    .map((at, i) => at.getTime() - moments[i]!.getTime())
    .toSorted((a, b) => a - b)
  if (shortest < SHORTEST_MS) {
    throw wrong('schedule.line', 'comes more often than once an hour', 'give one minute only, as in 0 * * * *')
  }
  return shortest
}

/** The moments of a cron line one by one: nobody pays for those that are not looked at. */
function momentsOf({ line, timeZone }: Extract<Schedule, { kind: 'cron' }>, after: Date): Iterable<Date> {
  const fix = 'give five fields: minute, hour, day of the month, month, day of the week; 30 2 * * 1 is Mondays at half past two'
  if (line.trim().split(/\s+/).length !== 5) throw wrong('schedule.line', 'does not have five fields', fix)
  try {
    return runsOf(new Cron(line, { timezone: timeZone, mode: '5-part' }), after)
  } catch (cause) {
    const said = cause instanceof Error ? cause.message.replace(/^Cron\w+: /, '') : 'it cannot be read'
    throw wrong('schedule.line', `is not a cron line: ${said}`, fix, cause)
  }
}

function* runsOf(cron: Cron, after: Date): Generator<Date> {
  let at = cron.nextRun(after)
  for (let count = 0; at && count < LOOKED_AT; count += 1, at = cron.nextRun(at)) yield at
}

function firstWithin(windows: readonly TimeWindow[], moments: Iterable<Date>): Date | undefined {
  for (const at of moments) if (windows.length === 0 || isWithin(windows, at)) return at
  return undefined
}

const byTime = (a: Date, b: Date) => a.getTime() - b.getTime()

function wrong(field: string, message: string, fix: string, cause?: unknown): BrokerError {
  return new BrokerError('input.invalid', message, { field, fix, cause })
}
