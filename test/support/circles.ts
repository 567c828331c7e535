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

/** Folders and files beside each other that can be reached from each other, as `a ↔ b`, at every depth from the rooms on. */
export function circlesAmong(arrows: readonly Import[]): string[] {
  const deepest = Math.max(...arrows.flatMap(({ from, to }) => [from, to]).map((file) => file.split('/').length))
  const depths = Array.from({ length: deepest - 1 }, (_, index) => index + 2)
  return [...new Set(depths.flatMap((depth) => circlesAt(depth, arrows)))].sort()
}

function circlesAt(depth: number, arrows: readonly Import[]): string[] {
  const placeOf = (file: string) => file.split('/').slice(0, depth).join('/')
  const next = new Map<string, Set<string>>()
  for (const { from, to } of arrows) {
    const [a, b] = [placeOf(from), placeOf(to)]
    if (a !== b) next.set(a, (next.get(a) ?? new Set()).add(b))
  }
  const reached = new Map([...next.keys()].map((room) => [room, reachedFrom(room, next)]))
  return [...reached]
    .filter(([room, there]) => there.has(room))
    .map(([, there]) =>
      [...there]
        .filter((other) => [...there].every((one) => reached.get(other)?.has(one)))
        .sort()
        .join(' ↔ '),
    )
}

/** Files that a folder below uses and that use one, over whatever files beside them: such a folder and what it holds are a circle. */
export function onBothSides(arrows: readonly Import[]): string[] {
  const isBelow = (file: string, folder: string) => file.startsWith(`${folder}/`) && folderOf(file) !== folder
  const folders = new Set(arrows.flatMap(({ from, to }) => [folderOf(from), folderOf(to)]))
  return [...folders].toSorted().flatMap((folder) => {
    const beside = arrows.filter(({ from, to }) => folderOf(from) === folder && folderOf(to) === folder)
    const under = arrows.filter(({ from, to }) => folderOf(to) === folder && isBelow(from, folder)).map(({ to }) => to)
    const over = arrows.filter(({ from, to }) => folderOf(from) === folder && isBelow(to, folder)).map(({ from }) => from)
    const isOver = spread(
      over,
      Map.groupBy(beside, ({ to }) => to),
      'from',
    )
    return [
      ...spread(
        under,
        Map.groupBy(beside, ({ from }) => from),
        'to',
      ),
    ]
      .filter((file) => isOver.has(file))
      .toSorted()
  })
}

function folderOf(file: string): string {
  return file.split('/').slice(0, -1).join('/')
}

function spread(start: readonly string[], arrows: ReadonlyMap<string, readonly Import[]>, end: 'from' | 'to'): Set<string> {
  const seen = new Set(start)
  // A set that grows while it is read is read to its new end.
  for (const file of seen) for (const arrow of arrows.get(file) ?? []) seen.add(arrow[end])
  return seen
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
