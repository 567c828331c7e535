import { BrokerError, isBrokerError, type Json, parseJson, Secret } from '../../../src/sdk/index.ts'
import type { VaultAnswer } from '../../../vault/index.ts'
import type { Send } from '../send.ts'
import { type KvPlace, nameOf } from './kv-place.ts'
import { digestOf, type Fields, type KvVersion, readVersion, writeVersion } from './kv-version.ts'

/** One writing of new values over the version that was the current one when it was planned. */
export interface Rotation {
  readonly place: KvPlace
  readonly from: number
  /** when that version was written */
  readonly fromAt: string
  /** undefined once the journal has erased it */
  readonly sealed?: SealedValues
  /** when it wrote, as the journal says; undefined if it does not say that anything was written */
  readonly wroteAt?: string | undefined
}

/** What the journal keeps encrypted: the new values, and by what to know what stood there and what was to. */
export interface SealedValues {
  readonly values: Readonly<Record<string, string>>
  readonly before: string
  readonly after: string
}

export function seal(values: Readonly<Record<string, string>>, fields: Fields): Secret {
  const sealed: SealedValues = { values, before: digestOf(fields), after: digestOf({ ...fields, ...values }) }
  return new Secret(JSON.stringify(sealed))
}

export function unsealed(secret: Secret | undefined): SealedValues | undefined {
  return secret && (parseJson(secret.reveal()) as SealedValues)
}

/**
 * Where a rotation stands, read from the target alone.
 * `untouched`: it wrote nothing; `written`: what it wrote is the current version; `spoiled`: its version is the current one, and does not
 * hold what it was to; `restored`: what was there before is there again; `changed`: it wrote, and somebody did something since.
 */
export type Standing = { readonly answer: VaultAnswer } & (
  | { readonly is: 'untouched' | 'written' }
  | { readonly is: 'restored'; readonly version: number }
  | { readonly is: 'spoiled' | 'changed'; readonly because: string }
)

/** Writes the new values, and answers when; succeeds when they stand there already. */
export async function writeRotation(send: Send, rotation: Rotation & { readonly sealed: SealedValues }): Promise<string> {
  const { place, from, sealed } = rotation
  const current = await readVersion(send, place)
  if (isOurs(current, rotation)) return current.createdAt
  if (current.is !== 'live' || !isFrom(current, rotation)) throw wroteFirst(rotation)
  try {
    return await writeVersion(send, place, { ...current.fields, ...sealed.values }, from)
  } catch (error) {
    if (!isBrokerError(error, 'target.conflict')) throw error
    // An answer that was lost, and the call repeated, meets what it wrote itself.
    const now = await readVersion(send, place)
    if (!isOurs(now, rotation)) throw wroteFirst(rotation)
    return now.createdAt
  }
}

export async function standingOf(send: Send, rotation: Rotation): Promise<Standing> {
  const { place, from, sealed, wroteAt } = rotation
  const ours = from + 1
  const current = await readVersion(send, place)
  const { answer } = current
  const name = nameOf(place)
  if (current.is === 'absent') {
    if (wroteAt === undefined) return { is: 'untouched', answer }
    return { is: 'changed', answer, because: `${name} is gone with all its versions` }
  }
  if (isOurs(current, rotation)) {
    if (!sealed || digestOf(current.fields) === sealed.after) return { is: 'written', answer }
    return { is: 'spoiled', answer, because: `version ${ours} of ${name} does not hold what was written` }
  }
  if (current.version <= from) {
    if (wroteAt === undefined) return { is: 'untouched', answer }
    return { is: 'changed', answer, because: `${name} was removed and made again since` }
  }
  if (current.version === ours) {
    // Somebody else's: check-and-set kept ours out.
    if (current.is === 'live' && wroteAt === undefined) return { is: 'untouched', answer }
    return {
      is: 'changed',
      answer,
      because: `version ${ours} of ${name}, the current one, is ${current.is === 'live' ? 'not the one that was written' : current.is}`,
    }
  }
  if (current.version === ours + 1 && current.is === 'live' && (await isAsBefore(send, rotation, current.fields)))
    return { is: 'restored', answer, version: current.version }
  if (wroteAt === undefined && sealed && !(await mayBeOurs(send, rotation))) return { is: 'untouched', answer }
  return { is: 'changed', answer, because: `somebody wrote ${name} since: version ${current.version} is the current one` }
}

/** Writes the whole earlier version once more, over ours and over nothing else. */
export async function restore(send: Send, rotation: Rotation): Promise<void> {
  const standing = await standingOf(send, rotation)
  if (standing.is === 'untouched' || standing.is === 'restored') return
  if (standing.is === 'changed') throw inTheWay(standing.because)
  const earlier = await readVersion(send, rotation.place, rotation.from)
  const why = whyNotBack(rotation, earlier)
  if (earlier.is !== 'live' || why) throw inTheWay(why ?? 'there is no earlier version', fixFor(rotation, earlier))
  try {
    await writeVersion(send, rotation.place, earlier.fields, rotation.from + 1)
  } catch (error) {
    if (!isBrokerError(error, 'target.conflict')) throw error
    const now = await standingOf(send, rotation)
    if (now.is !== 'restored') throw inTheWay(now.is === 'changed' ? now.because : 'somebody is writing this secret')
  }
}

/** Why the earlier version cannot be written again, or undefined. */
export function whyNotBack(rotation: Rotation, earlier: KvVersion): string | undefined {
  const { place, from } = rotation
  const which = `version ${from} of ${nameOf(place)}`
  if (earlier.is === 'absent') return `${which} is no longer kept`
  if (earlier.is !== 'live') return `${which} is ${earlier.is}`
  if (!isFrom(earlier, rotation)) return `${which} is not the one that stood there before`
  return undefined
}

export function wroteAtIn(record: Json | undefined): string | undefined {
  if (typeof record !== 'object' || record === null || !('writtenAt' in record)) return undefined
  return typeof record['writtenAt'] === 'string' ? record['writtenAt'] : undefined
}

/** By when it was written, if the journal says so: after a purge another version can have its number, and even hold the same. */
function isOurs(version: KvVersion, { from, sealed, wroteAt }: Rotation): version is KvVersion & { is: 'live' } {
  if (version.is !== 'live' || version.version !== from + 1) return false
  if (wroteAt !== undefined) return version.createdAt === wroteAt
  return sealed !== undefined && digestOf(version.fields) === sealed.after
}

function isFrom({ version, createdAt }: KvVersion & { is: 'live' }, { from, fromAt }: Rotation): boolean {
  return version === from && createdAt === fromAt
}

async function mayBeOurs(send: Send, rotation: Rotation): Promise<boolean> {
  const version = await readVersion(send, rotation.place, rotation.from + 1)
  return version.is !== 'live' || isOurs(version, rotation)
}

async function isAsBefore(send: Send, rotation: Rotation, fields: Fields): Promise<boolean> {
  if (rotation.sealed) return digestOf(fields) === rotation.sealed.before
  const earlier = await readVersion(send, rotation.place, rotation.from)
  return earlier.is === 'live' && isFrom(earlier, rotation) && digestOf(earlier.fields) === digestOf(fields)
}

function wroteFirst({ place, from }: Rotation): BrokerError {
  return new BrokerError('target.conflict', `somebody changed ${nameOf(place)} since this was planned on its version ${from}`, {
    fix: 'look at what is there now, and start again',
  })
}

function inTheWay(because: string, fix?: string): BrokerError {
  return new BrokerError('conflict', `nothing was put back: ${because}`, {
    fix: fix ?? 'what is there now is somebody’s and stays; compare the versions, and write the right one by hand',
  })
}

function fixFor({ place, from }: Rotation, earlier: KvVersion): string | undefined {
  if (earlier.is !== 'deleted') return undefined
  return `vault kv undelete -mount=${place.mount} -versions=${from} ${place.path}, and undo again`
}
