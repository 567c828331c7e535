import type { TimeWindow } from '../contract/rules.ts'

/** Whether a moment lies in one of the windows, by the clocks of their own time zones. */
export function isWithin(windows: readonly TimeWindow[], at: Date): boolean {
  return windows.some((window) => {
    const { day, time } = localTime(at, window.timeZone)
    return window.days.some((named) => named === day) && window.from <= time && time < window.to
  })
}

function localTime(at: Date, timeZone: string): { day: string; time: string } {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]))
  return { day: parts.get('weekday')!.toLowerCase(), time: `${parts.get('hour')}:${parts.get('minute')}` }
}
