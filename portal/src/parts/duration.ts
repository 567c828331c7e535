import { words } from '../words.ts'

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const

/** `1 hour`, `90 minutes`: in the largest unit that it is a whole number of. */
export function inWords(seconds: number): string {
  const [unit, size] = UNITS.find(([, size]) => seconds % size === 0) ?? UNITS[3]
  return words.units[unit](seconds / size)
}

/** `2 days, 3 hours`, or as a clock shows it where it is less than a day. */
export function leftInWords(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds))
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor((whole % 86_400) / 3_600),
    Math.floor((whole % 3_600) / 60),
  ]
  if (days > 0) return hours === 0 ? words.units.day(days) : `${words.units.day(days)}, ${words.units.hour(hours)}`
  const two = (n: number) => String(n).padStart(2, '0')
  const tail = `${two(minutes)}:${two(whole % 60)}`
  return hours > 0 ? `${hours}:${tail}` : tail
}
