const DAY_MS = 86_400_000

/** So many of the items, the same all day (UTC) and the next ones on the next day, spread over the whole list; all come up in turn. */
export function sampleOf<Item>(items: readonly Item[], size: number, at: number): readonly Item[] {
  if (size >= items.length) return items
  const rounds = Math.ceil(items.length / size)
  const round = Math.floor(at / DAY_MS) % rounds
  return items.filter((_, index) => index % rounds === round)
}
