import { isDeepStrictEqual } from 'node:util'
import { BrokerError } from '../../../src/sdk/index.ts'
import type { VaultAnswer } from '../../../vault/index.ts'
import type { Send } from '../send.ts'
import { getHistory } from './kv-history.ts'
import { type KvPlace, nameOf } from './kv-place.ts'
import { inexactField, type KvVersion, readVersion, writeVersion } from './kv-version.ts'

/** What was written just now, and the version that it was meant to follow. */
export interface Following {
  readonly place: KvPlace
  /** the number of the version before it */
  readonly after: number
  /** when that was written; null where nobody knows */
  readonly afterAt: string | null
  /** when ours was, as the server answered */
  readonly writtenAt: string
}

/**
 * Check-and-set compares numbers alone. A secret that is purged and made again between the last look and the write, up to the same version, is
 * written over; the version before ours is another's then. Writes what that one holds once more, at once, and throws `target.conflict`.
 */
export async function mustFollow(send: Send, following: Following): Promise<void> {
  const { place, after, afterAt, writtenAt } = following
  const before = await readVersion(send, place, after)
  if (before.is === 'absent' ? !(await isMadeAgain(send, following)) : before.createdAt === afterAt) return
  const current = await readVersion(send, place)
  // Made again after we wrote, too: then ours is gone, and nothing that somebody else wrote was written over.
  if (current.is !== 'live' || current.version !== after + 1 || current.createdAt !== writtenAt) return
  const why = await whyNotGiven(send, following, before)
  const name = nameOf(place)
  const what = `somebody removed ${name} and made it again in the instant before version ${after + 1} was written, and check-and-set goes by the number`
  if (why === undefined) {
    throw new BrokerError('target.conflict', `${what}: what they wrote was written again, as version ${after + 2}`, {
      fix: 'look at what is there now, and start again',
    })
  }
  throw new BrokerError('target.conflict', `${what}: their version ${after} was written over and ${why}`, {
    fix:
      before.is === 'absent'
        ? `ask the person who made ${name} again what it held, and write that`
        : `vault kv get -mount=${place.mount} -version=${after} ${place.path} shows theirs: write by hand what should be there`,
  })
}

/** Of a secret that keeps one version alone, its own age tells: the version before ours cannot be older. */
async function isMadeAgain(send: Send, { place, after, afterAt, writtenAt }: Following): Promise<boolean> {
  const { status, data } = await send({ ...getHistory(place), accept: [403, 404] })
  const { created_time: madeAt, versions } = data
  if (status !== 200 || afterAt === null || typeof madeAt !== 'string') return false
  return writtenAtIn(versions, after + 1) === writtenAt && sortable(madeAt) > sortable(afterAt)
}

/** Writes again what somebody else wrote, over ours. Answers why it was not, or undefined. */
async function whyNotGiven(send: Send, { place, after }: Following, theirs: KvVersion): Promise<string | undefined> {
  if (theirs.is === 'absent') return 'is no longer kept'
  if (theirs.is !== 'live') return `is ${theirs.is}`
  const field = inexactField(theirs.fields)
  if (field) return `holds a number in ${field} that the server rounds when the secret is read`
  try {
    await writeVersion(send, place, theirs.fields, after + 1)
    return undefined
  } catch (error) {
    if (!(error instanceof BrokerError) || error.retryable) throw error
    const now = await readVersion(send, place)
    if (now.is === 'live' && now.version === after + 2 && isDeepStrictEqual(now.fields, theirs.fields)) return undefined
    return 'is not the one before the current one any more, because somebody has written since'
  }
}

function writtenAtIn(versions: VaultAnswer['data'][string], number: number): unknown {
  const version: unknown = typeof versions === 'object' && versions !== null ? Reflect.get(versions, String(number)) : undefined
  return typeof version === 'object' && version !== null ? Reflect.get(version, 'created_time') : undefined
}

/** The servers leave zeros out at the end of a second's parts. */
function sortable(time: string): string {
  return time.replace(/(?:\.(\d+))?Z$/, (_, parts: string | undefined) => `.${(parts ?? '').padEnd(9, '0')}`)
}
