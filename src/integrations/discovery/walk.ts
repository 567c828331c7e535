import type { Database } from '../../platform/postgres/database.ts'
import type { DiscoveryPage } from '../../sdk/index.ts'
import type { Connection } from '../connections/connections.ts'
import { within } from '../connections/within.ts'
import { type Diff, diff } from './folder-diff.ts'
import type { Progress } from './progress.ts'
import { chunks, retire, storedIn, writeChanged, writeFresh } from './resource-writes.ts'
import { storable } from './storable.ts'

/** How fast a walk goes, and when it is given up. */
export interface Pace {
  /** without a page for so long, the plugin hangs */
  readonly stallMs: number
  /** what was read is written after so many resources, pages or milliseconds, whichever comes first */
  readonly resources: number
  readonly pages: number
  readonly lingerMs: number
}

export const PACE: Pace = { stallMs: 120_000, resources: 5_000, pages: 250, lingerMs: 500 }

const FOLDERS_RETIRED_AT_ONCE = 100

/** Reads every folder of the frontier and writes what differs. Reading goes on while the batch before is written. */
export async function walkNames(
  database: Database,
  connection: Connection,
  progress: Progress,
  stop: AbortSignal,
  pace: Pace,
): Promise<void> {
  let batch: DiscoveryPage[] = []
  let size = 0
  let begunAt = performance.now()
  let writing = Promise.resolve()
  const write = async () => {
    const pages = batch
    batch = []
    size = 0
    begunAt = performance.now()
    const difference = await differenceOf(database, progress, pages)
    await writing
    writing = writeDifference(database, progress, pages, difference)
    writing.catch(() => {}) // the next one who waits for it is told
  }
  try {
    for await (const page of pagesOf(connection, progress, stop, pace.stallMs)) {
      batch.push(page)
      size += page.resources.length
      if (size >= pace.resources || batch.length >= pace.pages || performance.now() - begunAt >= pace.lingerMs) await write()
    }
  } finally {
    // Also after a failure: what was read is worth keeping.
    await write()
    await writing
    await progress.save('now')
  }
}

/** After a complete walk: what no folder listed any more is gone. */
export async function retireVanished(database: Database, progress: Progress): Promise<void> {
  const { integrationId, startedAt } = progress.run
  const parts = [
    ...[...chunks(progress.vanished)].map((values) => ({ column: 'id', values }) as const),
    ...[...chunks([...progress.unvisited], FOLDERS_RETIRED_AT_ONCE)].map((values) => ({ column: 'folder', values }) as const),
  ]
  for (const which of parts) {
    await database.transaction(async (tx) => {
      await progress.count(tx, { gone: await retire(tx, integrationId, which, startedAt) })
    })
  }
}

async function differenceOf(database: Database, progress: Progress, pages: readonly DiscoveryPage[]): Promise<Diff> {
  const readable = pages.filter((page) => page.unreadable === undefined)
  const folders = readable.map(({ folder }) => folder).filter((folder) => progress.known.has(folder))
  return diff(readable, folders.length === 0 ? [] : await storedIn(database.pool, progress.run.integrationId, folders))
}

async function writeDifference(
  database: Database,
  progress: Progress,
  pages: readonly DiscoveryPage[],
  { fresh, changed, vanished }: Diff,
): Promise<void> {
  if (fresh.length + changed.length > 0) {
    const { integrationId } = progress.run
    await database.transaction(async (tx) => {
      const counts = await writeFresh(tx, integrationId, fresh)
      await writeChanged(tx, changed)
      await progress.count(tx, { ...counts, changed: changed.length })
    })
  }
  progress.vanished.push(...vanished)
  for (const page of pages) progress.passed(page)
  await progress.save()
}

/** Each folder once, and none that no page named, whatever the plugin sends. */
async function* pagesOf(
  { plugin, client }: Connection,
  progress: Progress,
  stop: AbortSignal,
  stallMs: number,
): AsyncGenerator<DiscoveryPage, void, undefined> {
  if (!plugin.discover || progress.frontier.size === 0) return
  const ending = new AbortController()
  const awaited = new Set(progress.frontier)
  const met = new Set(awaited)
  const source = plugin.discover(client, [...awaited], ending.signal)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await within(stallMs, stop, () => source.next())
      if (next.done) return
      const page = next.value
      if (!awaited.delete(page.folder)) continue
      const folders = page.folders.filter((folder) => !met.has(folder))
      for (const folder of folders) {
        met.add(folder)
        awaited.add(folder)
      }
      yield storable(plugin, { ...page, folders })
    }
  } finally {
    ending.abort()
    // Not waited for: a plugin that hangs would never return.
    source.return?.().catch(() => {})
  }
}
