import { isDeepStrictEqual } from 'node:util'
import type { RestoredCertificate } from '../../../src/sdk/index.ts'
import type { VaultAnswer } from '../../../vault/index.ts'
import type { Send } from '../send.ts'
import { kvCommand } from './kv-command.ts'
import { wasDeletedBefore } from './kv-neighbour.ts'
import { type KvPlace, nameOf } from './kv-place.ts'
import type { Kept } from './kv-record.ts'
import { type Fields, type KvVersion, readVersion } from './kv-version.ts'

/** One writing of a secret over the version that was the current one when it was planned. */
export interface Writing extends Kept {
  readonly place: KvPlace
  /** the current version then; 0 where there was none */
  readonly from: number
  /** when that version was written; null where there was none. One of a secret that was purged and made again is another */
  readonly fromAt: string | null
  /** whether that version had a value: one that was deleted has nothing to put back */
  readonly hadValue: boolean
  /** why fields are not those that were to be written; undefined when they are. Absent where nobody knows any more */
  readonly differs?: ((fields: Fields) => string | undefined) | undefined
  /** whether fields are what stood there before. Absent where the earlier version itself has to say so */
  readonly wasBefore?: ((fields: Fields) => boolean) | undefined
  /** the certificate that fields hold, for what writes certificates */
  readonly certificateIn?: ((fields: Fields) => RestoredCertificate | undefined) | undefined
}

interface Ours {
  readonly createdAt: string
  /** when its version ends by itself */
  readonly overEnds: string | undefined
}

/**
 * Where a writing stands, read from the target alone.
 * `untouched`: it wrote nothing; `written`: what it wrote is the current version; `spoiled`: its version is the current one, and does not
 * hold what it was to; `restored`: what was there before is there again, be it no value; `changed`: it wrote, and somebody did something since.
 */
export type Standing = { readonly answer: VaultAnswer } & (
  | { readonly is: 'untouched' }
  | ({ readonly is: 'written' } & Ours)
  | ({ readonly is: 'spoiled'; readonly because: string } & Ours)
  | { readonly is: 'restored'; readonly version: number; readonly isDeleted: boolean }
  | { readonly is: 'changed'; readonly because: string; readonly fix?: string }
)

export async function standingOf(send: Send, writing: Writing): Promise<Standing> {
  const { place, from, hadValue, wroteAt, differs } = writing
  const ours = from + 1
  const current = await readVersion(send, place)
  const { answer } = current
  const name = nameOf(place)
  if (isOurs(current, writing)) {
    const difference = differs?.(current.fields)
    const { createdAt, deletedAt: overEnds } = current
    if (difference === undefined) return { is: 'written', createdAt, overEnds, answer }
    return {
      is: 'spoiled',
      createdAt,
      overEnds,
      answer,
      because: `version ${ours} of ${name} is not what was written: ${difference}`,
    }
  }
  const changed = (because: string, fix?: string): Standing => ({ is: 'changed', answer, because, ...(fix && { fix }) })
  if (current.is === 'absent' || current.version < ours) {
    if (wroteAt === undefined) return { is: 'untouched', answer }
    return changed(
      current.is === 'absent' ? `${name} is gone with all its versions` : `${name} has since been removed and made again`,
    )
  }
  if (current.version === ours) {
    if (wroteAt !== undefined && current.createdAt !== wroteAt) {
      const because = `${name} has since been removed and made again`
      if (current.is === 'live') return changed(because)
      const fix = current.is === 'deleted' ? `${kvCommand('undelete', place, ours)} brings back what was made again` : undefined
      return changed(`${because}, and its version ${ours} is ${current.is}`, fix)
    }
    // Somebody else's: check-and-set kept ours out.
    if (current.is === 'live') return { is: 'untouched', answer }
    if (!hadValue || (await wasWithdrawn(send, writing, current)))
      return { is: 'restored', answer, version: ours, isDeleted: true }
    return changed(`version ${ours} of ${name}, the current one, is ${current.is}`)
  }
  if (current.version === ours + 1 && (await isAsBefore(send, writing, current)))
    return { is: 'restored', answer, version: current.version, isDeleted: false }
  if (wroteAt === undefined && differs && !(await mayBeOurs(send, writing))) return { is: 'untouched', answer }
  return changed(`somebody has since written ${name}: version ${current.version} is now the current one`)
}

/** By when it was written, if the journal says so, whatever it holds: after a purge another can have its number, and even hold the same. */
export function isOurs(version: KvVersion, { from, differs, wroteAt }: Writing): version is KvVersion & { is: 'live' } {
  if (version.is !== 'live' || version.version !== from + 1) return false
  if (wroteAt !== undefined) return version.createdAt === wroteAt
  return differs !== undefined && differs(version.fields) === undefined
}

export function isFrom(version: KvVersion, { from, fromAt }: Writing): boolean {
  if (version.is === 'absent') return from === 0
  return version.version === from && version.createdAt === fromAt
}

/** Deleted again, because it was written over a version that somebody had deleted in the instant before. */
async function wasWithdrawn(
  send: Send,
  { place, from, wroteAt }: Writing,
  current: KvVersion & { is: 'deleted' | 'destroyed' },
): Promise<boolean> {
  if (current.is !== 'deleted' || wroteAt === undefined || from === 0) return false
  return wasDeletedBefore(await readVersion(send, place, from), { at: wroteAt })
}

async function isAsBefore(send: Send, writing: Writing, current: KvVersion): Promise<boolean> {
  const { place, from, hadValue, wroteAt, wasBefore } = writing
  if (current.is !== 'live') return false
  const isOverOurs = async () => isOurs(await readVersion(send, place, from + 1), writing)
  if (hadValue && wasBefore?.(current.fields)) return wroteAt === undefined || isOverOurs()
  const earlier = from > 0 ? await readVersion(send, place, from) : undefined
  if (earlier?.is !== 'live' || !isDeepStrictEqual(earlier.fields, current.fields)) return false
  // Over what another made again, or brought back, it was written unseen: that was given back at once.
  return (hadValue && isFrom(earlier, writing)) || isOverOurs()
}

async function mayBeOurs(send: Send, writing: Writing): Promise<boolean> {
  const version = await readVersion(send, writing.place, writing.from + 1)
  return version.is !== 'live' || isOurs(version, writing)
}
