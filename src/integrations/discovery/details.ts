import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import type { Database } from '../../platform/postgres/database.ts'
import type { Described, DiscoveredResource } from '../../sdk/index.ts'
import type { Connection } from '../connections/connections.ts'
import { within } from '../connections/within.ts'
import { contains, type StoredResource } from './folder-diff.ts'
import type { Progress } from './progress.ts'
import { storedAfter, writeDescribed } from './resource-writes.ts'

const BATCH = 1_000
const position = z.tuple([z.string(), z.string()])

/** Tags and details of everything present, batch by batch; the next is read while the one before is written. */
export async function readDetails(
  database: Database,
  { plugin, client, integration }: Connection,
  progress: Progress,
  stop: AbortSignal,
  stallMs: number,
): Promise<void> {
  if (!plugin.describe) return
  let after = progress.detailCursor === null ? (['', ''] as const) : position.parse(JSON.parse(progress.detailCursor))
  let writing = Promise.resolve()
  const unread: Described[] = []
  try {
    for (;;) {
      const stored = await storedAfter(database.pool, integration.id, after, BATCH)
      const last = stored.at(-1)
      if (!last) return
      const described = await within(stallMs, stop, async (signal) => plugin.describe?.(client, stored.map(asDiscovered), signal))
      await writing
      after = [last.type, last.name]
      const read = (described ?? []).filter((one) => one.unreadable === undefined)
      unread.push(...(described ?? []).filter((one) => one.unreadable !== undefined))
      writing = write(database, progress, differing(stored, read), JSON.stringify(after))
      writing.catch(() => {}) // the next one who waits for it is told
    }
  } finally {
    await writing
    const [first] = unread
    if (first)
      progress.notice(`details of ${unread.length} resources could not be read; the first is ${first.name}: ${first.unreadable}`)
    await progress.save('now')
  }
}

async function write(
  database: Database,
  progress: Progress,
  different: readonly (Described & { id: string })[],
  cursor: string,
): Promise<void> {
  if (different.length > 0) {
    await database.transaction(async (tx) => {
      await writeDescribed(tx, different)
      await progress.count(tx, { changed: different.length })
    })
  }
  progress.detailCursor = cursor
  await progress.save()
}

function differing(stored: readonly StoredResource[], described: readonly Described[]): (Described & { id: string })[] {
  const known = new Map(stored.map((resource) => [`${resource.type}\u0000${resource.name}`, resource]))
  return described.flatMap((now) => {
    const before = known.get(`${now.type}\u0000${now.name}`)
    if (!before || (isDeepStrictEqual(now.tags, before.tags) && contains(before.attributes, now.attributes ?? {}))) return []
    return [{ ...now, id: before.id }]
  })
}

function asDiscovered({ type, name, attributes, tags, ungrantable }: StoredResource): DiscoveredResource {
  return { type, name, attributes: attributes as DiscoveredResource['attributes'], tags, ungrantable: ungrantable ?? undefined }
}
