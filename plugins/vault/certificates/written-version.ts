import { isDeepStrictEqual } from 'node:util'
import { BrokerError, isBrokerError } from '../../../src/sdk/index.ts'
import type { VaultAnswer } from '../../../vault/index.ts'
import { type KvPlace, nameOf } from '../actions/kv-place.ts'
import { type Fields, inexactField, type KvVersion, readVersion, writeVersion } from '../actions/kv-version.ts'
import type { Send } from '../send.ts'
import { type CertificateMark, differsFrom } from './certificate-document.ts'

/** One writing of a certificate over what was there when it was planned. */
export interface Writing {
  readonly place: KvPlace
  /** the current version then; 0 where there was none */
  readonly from: number
  /** when that version was written; undefined where there was none */
  readonly fromAt: string | undefined
  /** whether that version had a value: one that was deleted has nothing to put back */
  readonly hadValue: boolean
  readonly mark: CertificateMark
  /** when it wrote, as the journal says; undefined if it does not say that anything was written */
  readonly wroteAt: string | undefined
}

/**
 * Where a writing stands, read from the target alone.
 * `untouched`: it wrote nothing; `written`: what it wrote is the current version; `spoiled`: its version is the current one, and does not
 * hold what it was to; `restored`: what was there before is there again;
 * `changed`: somebody did something since.
 */
export type Standing = { readonly answer: VaultAnswer } & (
  | { readonly is: 'untouched' | 'written' | 'restored'; readonly version: number }
  | { readonly is: 'spoiled'; readonly version: number; readonly because: string }
  | { readonly is: 'changed'; readonly because: string }
)

/**
 * Writes the whole document as the next version, and nothing where somebody else wrote first. Answers when it was written; succeeds when it
 * stands there already.
 */
export async function writeCertificate(send: Send, writing: Writing, document: Fields): Promise<string> {
  const { place, from } = writing
  const current = await readVersion(send, place)
  if (isOurs(current, writing)) return current.createdAt
  if (!isFrom(current, writing)) throw wroteFirst(place, from)
  try {
    return await writeVersion(send, place, document, from)
  } catch (error) {
    if (!isBrokerError(error, 'target.conflict')) throw error
    // An answer that was lost, and the call repeated, meets what it wrote itself.
    const now = await readVersion(send, place)
    if (!isOurs(now, writing)) throw wroteFirst(place, from)
    return now.createdAt
  }
}

export async function standingOf(send: Send, writing: Writing): Promise<Standing> {
  const { place, from, hadValue, mark, wroteAt } = writing
  const ours = from + 1
  const current = await readVersion(send, place)
  const { answer } = current
  const name = nameOf(place)
  const version = current.is === 'absent' ? 0 : current.version
  if (version < ours) {
    if (wroteAt === undefined) return { is: 'untouched', answer, version }
    return { is: 'changed', answer, because: `${name} was removed with all its versions since` }
  }
  if (isOurs(current, writing)) {
    const difference = differsFrom(mark, current.fields)
    if (!difference) return { is: 'written', answer, version }
    return { is: 'spoiled', answer, version, because: `version ${ours} of ${name} is not as it was written: ${difference}` }
  }
  const isAnother = wroteAt !== undefined && version === ours && current.is !== 'absent' && current.createdAt !== wroteAt
  if (isAnother) return { is: 'changed', answer, because: `${name} was removed and made again since` }
  if (current.is === 'live' && version === ours) {
    // Somebody else's: check-and-set kept ours out.
    if (wroteAt === undefined) return { is: 'untouched', answer, version }
    return { is: 'changed', answer, because: `version ${ours} of ${name} is not the one that was written` }
  }
  if (version === ours) {
    if (!hadValue) return { is: 'restored', answer, version }
    return { is: 'changed', answer, because: `version ${ours} of ${name}, the current one, is ${current.is}` }
  }
  if (version === ours + 1 && (await isAsBefore(send, writing, current))) return { is: 'restored', answer, version }
  if (wroteAt === undefined && !(await mayBeOurs(send, writing))) return { is: 'untouched', answer, version }
  return { is: 'changed', answer, because: `somebody wrote ${name} since: version ${version} is the current one` }
}

/** Puts back what was there: the whole earlier version, or no value where there was none. Never over what somebody else wrote. */
export async function putBack(send: Send, writing: Writing): Promise<void> {
  const standing = await standingOf(send, writing)
  if (standing.is === 'untouched' || standing.is === 'restored') return
  if (standing.is === 'changed') throw inTheWay(standing.because)
  const { place, from, hadValue } = writing
  if (!hadValue) {
    const path = [place.mount, 'delete', place.path]
    await send({ method: 'POST', path, body: { versions: [from + 1] }, repeatable: true })
    return
  }
  const earlier = await readVersion(send, place, from)
  const why = whyNotBack(writing, earlier)
  if (earlier.is !== 'live' || why) throw inTheWay(why ?? 'there is no earlier version')
  try {
    await writeVersion(send, place, earlier.fields, from + 1)
  } catch (error) {
    if (!isBrokerError(error, 'target.conflict')) throw error
    const now = await standingOf(send, writing)
    if (now.is !== 'restored') throw inTheWay(now.is === 'changed' ? now.because : 'somebody is writing this secret')
  }
}

/** Why the earlier version cannot be written again; undefined when it can. */
export function whyNotBack(writing: Writing, earlier: KvVersion): string | undefined {
  const { place, from, hadValue } = writing
  if (!hadValue) return undefined
  const which = `version ${from} of ${nameOf(place)}`
  if (earlier.is === 'absent') return `${which} is no longer kept`
  if (earlier.is !== 'live') return `${which} is ${earlier.is}`
  if (!isFrom(earlier, writing)) return `${which} is not the one that stood there before`
  const field = inexactField(earlier.fields)
  return field && `${which} holds a number in ${field} that the server rounds when it is read`
}

/** By when it was written, if the journal says so, whatever it holds: after a purge another can have its number, and even hold the same. */
function isOurs(version: KvVersion, { from, mark, wroteAt }: Writing): version is KvVersion & { is: 'live' } {
  if (version.is !== 'live' || version.version !== from + 1) return false
  return wroteAt === undefined ? !differsFrom(mark, version.fields) : version.createdAt === wroteAt
}

function isFrom(version: KvVersion, { from, fromAt }: Writing): boolean {
  if (version.is === 'absent') return from === 0
  return version.version === from && version.createdAt === fromAt
}

async function isAsBefore(send: Send, writing: Writing, current: KvVersion): Promise<boolean> {
  if (!writing.hadValue || current.is !== 'live') return false
  const earlier = await readVersion(send, writing.place, writing.from)
  return earlier.is === 'live' && isFrom(earlier, writing) && isDeepStrictEqual(earlier.fields, current.fields)
}

async function mayBeOurs(send: Send, writing: Writing): Promise<boolean> {
  const version = await readVersion(send, writing.place, writing.from + 1)
  return version.is !== 'live' || isOurs(version, writing)
}

function wroteFirst(place: KvPlace, from: number): BrokerError {
  return new BrokerError('target.conflict', `somebody changed ${nameOf(place)} since this was planned on its version ${from}`, {
    fix: 'look at what is there now, and distribute once more',
  })
}

function inTheWay(because: string): BrokerError {
  return new BrokerError('conflict', `nothing was put back: ${because}`, {
    fix: 'what is there now is somebody’s and stays; compare the versions, and write the right one by hand',
  })
}
