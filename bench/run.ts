import { parseArgs } from 'node:util'

/** Remembers how something that was started is ended. */
export type Keep = <T>(started: T, end: (started: T) => Promise<unknown>) => T

/** Runs a bench and ends what it started, last first, also when it fails or is interrupted. */
export async function bench(work: (keep: Keep) => Promise<void>): Promise<void> {
  const ends: (() => Promise<unknown>)[] = []
  const keep: Keep = (started, end) => {
    ends.push(() => end(started))
    return started
  }
  const tidy = async () => {
    for (let end = ends.pop(); end; end = ends.pop()) await end().catch((error: unknown) => console.error(error))
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void tidy().finally(() => process.exit(130)))
  try {
    await work(keep)
  } catch (error) {
    console.error(error)
    process.exitCode = 1
  } finally {
    await tidy()
  }
}

/** Whole numbers from the command line, as in `--grants 1000`; each has a value unless it is given. */
export function numbersFrom<Name extends string>(defaults: Record<Name, number>): Record<Name, number> {
  const options = Object.fromEntries(Object.keys(defaults).map((name) => [name, { type: 'string' } as const]))
  const { values } = parseArgs({ options })
  const given = Object.entries(values).map(([name, value]) => {
    if (typeof value !== 'string' || !/^[0-9]+$/.test(value)) throw new TypeError(`--${name} takes a whole number`)
    return [name, Number(value)]
  })
  return { ...defaults, ...Object.fromEntries(given) }
}

/** Some at once, in order, until all are done. */
export async function atOnce<T>(
  items: readonly T[],
  limit: number,
  one: (item: T, index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const index = next++
      await one(items[index]!, index)
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
}

export function numbered(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

export function say(words: string): void {
  process.stderr.write(`${words}\n`)
}
