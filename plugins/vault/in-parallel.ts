type Outcome<T> = { readonly value: T } | { readonly error: unknown }

/**
 * Does `work` on every item, `limit` at a time, and yields what comes back as it comes. Items pushed while it runs are taken too, the
 * last first: a walk then goes deep before it goes wide and remembers little.
 */
export async function* inParallel<Item, T>(
  items: Item[],
  limit: number,
  work: (item: Item) => Promise<T>,
): AsyncGenerator<T, void, undefined> {
  const flying = new Set<Promise<Outcome<T>>>()
  const landed: Outcome<T>[] = []
  while (items.length > 0 || flying.size > 0 || landed.length > 0) {
    while (items.length > 0 && flying.size < limit) {
      const flight: Promise<Outcome<T>> = outcomeOf(work(items.pop()!)).then((outcome) => {
        flying.delete(flight)
        landed.push(outcome)
        return outcome
      })
      flying.add(flight)
    }
    if (landed.length === 0) await Promise.race(flying)
    const outcome = landed.shift()!
    if ('error' in outcome) throw outcome.error
    yield outcome.value
  }
}

// What is still in flight when somebody stops listening must not end as an unhandled rejection.
function outcomeOf<T>(work: Promise<T>): Promise<Outcome<T>> {
  return work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
}
