import { isDeepStrictEqual } from 'node:util'
import type { DiscoveredResource, DiscoveryPage } from '../../sdk/index.ts'

/** A resource as it is stored and present. */
export interface StoredResource {
  readonly id: string
  readonly type: string
  readonly name: string
  readonly folder: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly tags: Readonly<Record<string, string>>
  readonly ungrantable: string | null
}

/** A resource as a page has it, ready to be written. */
export interface Found extends DiscoveredResource {
  readonly folder: string
}

export interface Diff {
  /** not stored as present: new, or back again */
  readonly fresh: readonly Found[]
  readonly changed: readonly (Found & { readonly id: string })[]
  /** ids of what its folder no longer lists */
  readonly vanished: readonly string[]
}

/** What pages say that is not stored, given everything stored in their folders. */
export function diff(pages: readonly DiscoveryPage[], stored: readonly StoredResource[]): Diff {
  const found = new Map<string, Found>()
  for (const { folder, resources } of pages) {
    for (const resource of resources) found.set(keyOf(resource), { ...resource, folder })
  }
  const changed: (Found & { id: string })[] = []
  const vanished: string[] = []
  for (const known of stored) {
    const key = keyOf(known)
    const now = found.get(key)
    found.delete(key)
    if (!now) vanished.push(known.id)
    else if (!isStored(now, known)) changed.push({ ...now, id: known.id })
  }
  return { fresh: [...found.values()], changed, vanished }
}

/** Attributes that only `describe` brings are not missed here. */
function isStored(now: Found, known: StoredResource): boolean {
  return (
    now.folder === known.folder &&
    (now.ungrantable ?? null) === known.ungrantable &&
    (now.tags === undefined || isDeepStrictEqual(now.tags, known.tags)) &&
    contains(known.attributes, now.attributes)
  )
}

export function contains(known: Readonly<Record<string, unknown>>, part: Readonly<Record<string, unknown>>): boolean {
  for (const key in part) {
    const value = part[key]
    if (value !== known[key] && value !== undefined && !isDeepStrictEqual(value, known[key])) return false
  }
  return true
}

function keyOf({ type, name }: { type: string; name: string }): string {
  return `${type}\u0000${name}`
}
