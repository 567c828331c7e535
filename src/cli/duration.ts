import { InvalidArgumentError } from 'commander'

const SECONDS = { d: 86_400, h: 3600, m: 60, s: 1 } as const
const UNITS = Object.entries(SECONDS)

/** Seconds in `90s`, `15m`, `1h30m`, `2d`. */
export function seconds(text: string): number {
  const [whole, ...parts] = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text) ?? []
  const total = UNITS.reduce((sum, [, each], i) => sum + each * Number(parts[i] ?? 0), 0)
  if (!whole || total < 1 || !Number.isSafeInteger(total))
    throw new InvalidArgumentError('Write a duration such as 90s, 15m, 1h30m or 2d.')
  return total
}

/** The other way round. */
export function inWords(total: number): string {
  let left = Math.max(0, Math.floor(total))
  const parts = UNITS.flatMap(([unit, each]) => {
    const many = Math.floor(left / each)
    left -= many * each
    return many > 0 ? [`${many}${unit}`] : []
  })
  return parts.slice(0, 2).join('') || '0s'
}
