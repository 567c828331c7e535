import type { Import } from './house.ts'

export function circleFrom(start: string, next: ReadonlyMap<string, readonly Import[]>): string | undefined {
  const waiting = [[start]]
  const seen = new Set<string>()
  for (let way = waiting.shift(); way; way = waiting.shift()) {
    for (const { to } of next.get(way.at(-1)!) ?? []) {
      if (to === start) return [...way, to].join(' → ')
      if (seen.has(to)) continue
      seen.add(to)
      waiting.push([...way, to])
    }
  }
  return undefined
}

function subroomOf(file: string): string {
  const folders = file.split('/')
  return folders.length > 3 ? folders.slice(0, 3).join('/') : file
}

/** Subrooms that can be reached from each other, as `a ↔ b`. */
export function circlesAmong(arrows: readonly Import[]): string[] {
  const next = new Map<string, Set<string>>()
  for (const { from, to } of arrows) {
    const [a, b] = [subroomOf(from), subroomOf(to)]
    if (a !== b) next.set(a, (next.get(a) ?? new Set()).add(b))
  }
  const reached = new Map([...next.keys()].map((room) => [room, reachedFrom(room, next)]))
  const circles = [...reached].flatMap(([room, there]) =>
    there.has(room)
      ? [
          [...there]
            .filter((other) => reached.get(other)?.has(room))
            .sort()
            .join(' ↔ '),
        ]
      : [],
  )
  return [...new Set(circles)].sort()
}

function reachedFrom(start: string, next: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const seen = new Set<string>()
  const waiting = [...(next.get(start) ?? [])]
  for (let room = waiting.pop(); room; room = waiting.pop()) {
    if (seen.has(room)) continue
    seen.add(room)
    waiting.push(...(next.get(room) ?? []))
  }
  return seen
}
