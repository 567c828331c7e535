import { isDeepStrictEqual } from 'node:util'
import { BrokerError, type Json, type Outlook, type RestoredCertificate } from '../../../src/sdk/index.ts'
import type { VaultAnswer } from '../../../vault/index.ts'
import type { Send } from '../send.ts'
import { mustFollow } from './kv-neighbour.ts'
import { type KvPlace, nameOf } from './kv-place.ts'
import { type Fields, inexactField, type KvVersion, readVersion, writeVersion } from './kv-version.ts'

/** One writing of a secret over the version that was the current one when it was planned. */
export interface Writing {
  readonly place: KvPlace
  /** the current version then; 0 where there was none */
  readonly from: number
  /** when that version was written; null where there was none. One of a secret that was purged and made again is another */
  readonly fromAt: string | null
  /** whether that version had a value: one that was deleted has nothing to put back */
  readonly hadValue: boolean
  /** when it wrote, as the journal says; undefined if it does not say that anything was written */
  readonly wroteAt: string | undefined
  /** why fields are not those that were to be written; undefined when they are. Absent where nobody knows any more */
  readonly differs?: ((fields: Fields) => string | undefined) | undefined
  /** whether fields are what stood there before. Absent where the earlier version itself has to say so */
  readonly wasBefore?: ((fields: Fields) => boolean) | undefined
  /** the certificate that fields hold, for what writes certificates */
  readonly certificateIn?: ((fields: Fields) => RestoredCertificate | undefined) | undefined
}

/**
 * Where a writing stands, read from the target alone.
 * `untouched`: it wrote nothing; `written`: what it wrote is the current version; `spoiled`: its version is the current one, and does not
 * hold what it was to; `restored`: what was there before is there again; `changed`: it wrote, and somebody did something since.
 */
export type Standing = { readonly answer: VaultAnswer } & (
  | { readonly is: 'untouched' }
  | { readonly is: 'written'; readonly createdAt: string }
  | { readonly is: 'spoiled'; readonly createdAt: string; readonly because: string }
  | { readonly is: 'restored'; readonly version: number }
  | { readonly is: 'changed'; readonly because: string }
)

/**
 * Writes the next version, made of the current fields (none where there is no value), and nothing where somebody else wrote first. Answers
 * when it was written; succeeds when it stands there already.
 */
export async function writeOver(send: Send, writing: Writing, next: (current: Fields) => Fields): Promise<string> {
  const { place, from, hadValue } = writing
  const current = await readVersion(send, place)
  if (isOurs(current, writing)) return foundWritten(send, writing, current)
  if (!isFrom(current, writing) || (current.is === 'live') !== hadValue) throw wroteFirst(writing)
  let writtenAt: string
  try {
    writtenAt = await writeVersion(send, place, next(current.is === 'live' ? current.fields : {}), from)
  } catch (error) {
    if (!isRefusal(error)) throw error
    // An answer that was lost, and the call repeated, meets what it wrote itself. And who refuses may have written all the same.
    const now = await readVersion(send, place)
    if (isOurs(now, writing)) return foundWritten(send, writing, now)
    throw error.code === 'target.conflict' ? wroteFirst(writing) : error
  }
  if (from > 0) await mustFollow(send, { place, after: from, afterAt: writing.fromAt, writtenAt })
  return writtenAt
}

/** What holds what was to be written may be another's after a purge: then it is left alone. */
async function foundWritten(send: Send, writing: Writing, { createdAt }: { readonly createdAt: string }): Promise<string> {
  const { place, from } = writing
  const earlier = from > 0 ? await readVersion(send, place, from) : undefined
  if (earlier && earlier.is !== 'absent' && !isFrom(earlier, writing)) throw wroteFirst(writing)
  return createdAt
}

export async function standingOf(send: Send, writing: Writing): Promise<Standing> {
  const { place, from, hadValue, wroteAt, differs } = writing
  const ours = from + 1
  const current = await readVersion(send, place)
  const { answer } = current
  const name = nameOf(place)
  if (isOurs(current, writing)) {
    const difference = differs?.(current.fields)
    const { createdAt } = current
    if (difference === undefined) return { is: 'written', createdAt, answer }
    return { is: 'spoiled', createdAt, answer, because: `version ${ours} of ${name} is not what was written: ${difference}` }
  }
  const changed = (because: string): Standing => ({ is: 'changed', answer, because })
  if (current.is === 'absent' || current.version < ours) {
    if (wroteAt === undefined) return { is: 'untouched', answer }
    return changed(
      current.is === 'absent' ? `${name} is gone with all its versions` : `${name} has since been removed and made again`,
    )
  }
  if (current.version === ours) {
    if (wroteAt !== undefined && current.createdAt !== wroteAt) {
      const state = current.is === 'live' ? '' : `, and its version ${ours} is ${current.is}`
      return changed(`${name} has since been removed and made again${state}`)
    }
    // Somebody else's: check-and-set kept ours out.
    if (current.is === 'live') return { is: 'untouched', answer }
    return hadValue
      ? changed(`version ${ours} of ${name}, the current one, is ${current.is}`)
      : { is: 'restored', answer, version: ours }
  }
  if (current.version === ours + 1 && (await isAsBefore(send, writing, current)))
    return { is: 'restored', answer, version: current.version }
  if (wroteAt === undefined && differs && !(await mayBeOurs(send, writing))) return { is: 'untouched', answer }
  return changed(`somebody has since written ${name}: version ${current.version} is now the current one`)
}

/** Puts back what was there: the whole earlier version, or no value where there was none. Over ours, and over nothing else. */
export async function putBack(send: Send, writing: Writing): Promise<void> {
  const standing = await standingOf(send, writing)
  if (standing.is === 'untouched' || standing.is === 'restored') return
  if (standing.is === 'changed') throw inTheWay(standing.because)
  let confirm: () => Promise<void>
  try {
    confirm = await writeBack(send, writing, standing.createdAt)
  } catch (error) {
    if (!isRefusal(error)) throw error
    const now = await standingOf(send, writing)
    if (now.is === 'restored') return // whatever the answer said
    if (error.code !== 'target.conflict') throw error
    throw inTheWay(now.is === 'changed' ? now.because : 'somebody is writing this secret at this moment')
  }
  await confirm()
}

/** Over ours, which was written then. Answers how to look whether it was. */
async function writeBack(send: Send, writing: Writing, oursAt: string): Promise<() => Promise<void>> {
  const { place, from, hadValue } = writing
  const ours = from + 1
  if (!hadValue) {
    await send({ method: 'POST', path: [place.mount, 'delete', place.path], body: { versions: [ours] }, repeatable: true })
    return () => mustHaveDeleted(send, place, ours, oursAt)
  }
  const earlier = await readVersion(send, place, from)
  const why = whyNotBack(writing, earlier)
  if (earlier.is !== 'live' || why) throw inTheWay(why ?? 'there is no earlier version', fixFor(writing, earlier))
  const writtenAt = await writeVersion(send, place, earlier.fields, ours)
  return () => mustFollow(send, { place, after: ours, afterAt: oursAt, writtenAt })
}

/** Nothing is compared where a version is deleted: of a secret made again in that instant, another's was. */
async function mustHaveDeleted(send: Send, place: KvPlace, version: number, oursAt: string): Promise<void> {
  const now = await readVersion(send, place, version)
  if (now.is !== 'deleted' || now.createdAt === oursAt) return
  const because = `somebody removed ${nameOf(place)} and made it again in the instant before its version ${version} was deleted, and theirs was`
  throw inTheWay(
    because,
    `vault kv undelete -mount=${place.mount} -versions=${version} ${place.path} brings back what they wrote`,
  )
}

/** What is said not to have been done: it is looked at before that is believed. What may pass is tried again, which looks first, too. */
function isRefusal(error: unknown): error is BrokerError {
  return error instanceof BrokerError && !error.retryable
}

/** Whether the earlier version can be written again as things stand now, and what would be there. */
export async function earlierOutlook(send: Send, writing: Writing): Promise<Outlook> {
  const { place, from } = writing
  const earlier = await readVersion(send, place, from)
  const why = whyNotBack(writing, earlier)
  if (why) return { isPossible: false, because: why, restores: [] }
  const summary = `What version ${from} of ${nameOf(place)} holds is written again as version ${from + 2}.`
  const certificate = earlier.is === 'live' ? writing.certificateIn?.(earlier.fields) : undefined
  return {
    isPossible: true,
    ...(earlier.is === 'live' && earlier.deletedAt && { until: earlier.deletedAt }),
    restores: [{ target: `${place.mount}/data/${place.path}`, summary, ...(certificate && { certificate }) }],
  }
}

export function wroteAtIn(record: Json | undefined): string | undefined {
  if (typeof record !== 'object' || record === null || !('writtenAt' in record)) return undefined
  return typeof record['writtenAt'] === 'string' ? record['writtenAt'] : undefined
}

/** Why the earlier version cannot be written again; undefined when it can. */
function whyNotBack(writing: Writing, earlier: KvVersion): string | undefined {
  const which = `version ${writing.from} of ${nameOf(writing.place)}`
  if (earlier.is === 'absent') return `${which} is no longer kept`
  if (earlier.is !== 'live') return `${which} is ${earlier.is}`
  if (!isFrom(earlier, writing)) return `${which} is not the version that was there before`
  const field = inexactField(earlier.fields)
  return field && `${which} holds a number in ${field} that the server rounds when the secret is read`
}

/** By when it was written, if the journal says so, whatever it holds: after a purge another can have its number, and even hold the same. */
function isOurs(version: KvVersion, { from, differs, wroteAt }: Writing): version is KvVersion & { is: 'live' } {
  if (version.is !== 'live' || version.version !== from + 1) return false
  if (wroteAt !== undefined) return version.createdAt === wroteAt
  return differs !== undefined && differs(version.fields) === undefined
}

function isFrom(version: KvVersion, { from, fromAt }: Writing): boolean {
  if (version.is === 'absent') return from === 0
  return version.version === from && version.createdAt === fromAt
}

async function isAsBefore(send: Send, writing: Writing, current: KvVersion): Promise<boolean> {
  const { place, from, hadValue, wroteAt, wasBefore } = writing
  if (current.is !== 'live') return false
  const isOverOurs = async () => isOurs(await readVersion(send, place, from + 1), writing)
  if (hadValue && wasBefore?.(current.fields)) return wroteAt === undefined || isOverOurs()
  const earlier = from > 0 ? await readVersion(send, place, from) : undefined
  if (earlier?.is !== 'live' || !isDeepStrictEqual(earlier.fields, current.fields)) return false
  // Another's, from after a purge, over which it was written unseen: it was given back at once.
  return isFrom(earlier, writing) ? hadValue : isOverOurs()
}

async function mayBeOurs(send: Send, writing: Writing): Promise<boolean> {
  const version = await readVersion(send, writing.place, writing.from + 1)
  return version.is !== 'live' || isOurs(version, writing)
}

function wroteFirst({ place, from }: Writing): BrokerError {
  return new BrokerError('target.conflict', `somebody changed ${nameOf(place)} after this was planned for its version ${from}`, {
    fix: 'look at what is there now, and start again',
  })
}

const LEFT_ALONE =
  'what is there now was written by somebody else and is left alone; compare the versions, and write the right one by hand'

function inTheWay(because: string, fix = LEFT_ALONE): BrokerError {
  return new BrokerError('conflict', `nothing was restored: ${because}`, { fix })
}

/** What was written is still there, and what was there before cannot be written again. */
function fixFor({ place, from }: Writing, earlier: KvVersion): string {
  if (earlier.is === 'deleted') return `vault kv undelete -mount=${place.mount} -versions=${from} ${place.path}, and undo again`
  const byHand = 'write by hand what should be there'
  return earlier.is === 'absent' ? `${byHand}; with a higher max_versions of the secret the next change can be undone` : byHand
}
