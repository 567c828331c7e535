import { BrokerError, isBrokerError, type Json, type Outlook } from '../../../src/sdk/index.ts'
import { type Bound, type Send, sendingFor } from '../send.ts'
import { kvCommand } from './kv-command.ts'
import { isMadeAgain, isRefusal, mustFollow, mustHaveDeleted } from './kv-neighbour.ts'
import { nameOf } from './kv-place.ts'
import { recordOf, type WrittenVersion } from './kv-record.ts'
import { isFrom, isOurs, type Standing, standingOf, type Writing } from './kv-standing.ts'
import { deleteVersion, type Fields, inexactField, type KvVersion, readVersion, writeVersion } from './kv-version.ts'
import { noWayBack } from './outlooks.ts'

/** How a step writes: what it sends, and what the journal keeps of it on the way. */
export interface Hand {
  readonly send: Send
  readonly remember: (record: Json) => Promise<void>
}

export function handOf(ctx: Bound, rank: 'provisioning' | 'ending'): Hand {
  return { send: sendingFor(ctx, rank), remember: async (record) => ctx.remember?.(record) }
}

/**
 * Writes the next version, made of the current fields (none where there is no value), and nothing where somebody else wrote first. Answers
 * the record of it; succeeds when it stands there already.
 */
export async function writeOver(hand: Hand, writing: Writing, next: (current: Fields) => Fields): Promise<Json> {
  const { send } = hand
  const { place, from, hadValue, wroteAt, unchecked } = writing
  if (wroteAt !== undefined) {
    if (unchecked) await follow(hand, writing, wroteAt, unchecked)
    return recordOf(from, wroteAt)
  }
  const current = await readVersion(send, place)
  if (isOurs(current, writing)) return foundWritten(hand, writing, current)
  if (!isFrom(current, writing) || (current.is === 'live') !== hadValue) throw wroteFirst(writing)
  let writtenAt: string
  try {
    writtenAt = await writeVersion(send, place, next(current.is === 'live' ? current.fields : {}), from)
  } catch (error) {
    if (!isRefusal(error)) throw error
    // An answer that was lost, and the call repeated, meets what it wrote itself. And who refuses may have written all the same.
    const now = await readVersion(send, place)
    if (isOurs(now, writing)) return foundWritten(hand, writing, now, endOf(current))
    throw error.code === 'target.conflict' ? wroteFirst(writing) : error
  }
  return written(hand, writing, writtenAt, endOf(current))
}

/** What holds what was to be written may be another's after a purge: then it is left alone. */
async function foundWritten(
  hand: Hand,
  writing: Writing,
  { createdAt }: { readonly createdAt: string },
  overEnds?: string,
): Promise<Json> {
  const { place, from, fromAt } = writing
  const earlier = from > 0 ? await readVersion(hand.send, place, from) : undefined
  const isAnother =
    earlier?.is === 'absent'
      ? await isMadeAgain({ send: hand.send, place }, { version: from + 1, at: createdAt, over: fromAt })
      : earlier && !isFrom(earlier, writing)
  if (!isAnother) return written(hand, writing, createdAt, overEnds)
  const name = nameOf(place)
  throw new BrokerError(
    'target.conflict',
    `somebody removed ${name} and made it again after this was planned; version ${from + 1} holds what was to be written, and nobody knows who wrote that`,
    { fix: `${kvCommand('get', place, from)} shows what is before it: if that should stand there, write it by hand` },
  )
}

/** It was answered, or found; now it is seen what it was written over. */
async function written(hand: Hand, writing: Writing, at: string, overEnds?: string): Promise<Json> {
  const { from, fromAt, hadValue } = writing
  if (from > 0) await keepAndFollow(hand, writing, at, { version: from + 1, at, over: fromAt, overValue: hadValue, overEnds })
  return recordOf(from, at)
}

function endOf(version: KvVersion): string | undefined {
  return version.is === 'live' ? version.deletedAt : undefined
}

/** The journal knows of a version before anybody looks behind it: an answer that is lost, or a death, does not end the looking. */
async function keepAndFollow(hand: Hand, writing: Writing, wroteAt: string, version: WrittenVersion): Promise<void> {
  await hand.remember(recordOf(writing.from, wroteAt, version))
  await follow(hand, writing, wroteAt, version)
}

async function follow(
  { send, remember }: Hand,
  { place, from }: Writing,
  wroteAt: string,
  version: WrittenVersion,
): Promise<void> {
  let latest = version
  const keep = (next: WrittenVersion) => {
    latest = next
    return remember(recordOf(from, wroteAt, next))
  }
  try {
    await mustFollow({ send, place, keep }, version)
  } catch (error) {
    if (isBrokerError(error, 'target.conflict')) await remember(recordOf(from, wroteAt, { ...latest, looked: true }))
    throw error
  }
}

/** Puts back what was there: the whole earlier version, or no value where there was none. Over ours, and over nothing else. */
export async function putBack(hand: Hand, writing: Writing): Promise<void> {
  const { send } = hand
  if (await wasMadeGood(hand, writing)) return
  const standing = await standingOf(send, writing)
  if (standing.is === 'untouched' || standing.is === 'restored') return
  if (standing.is === 'changed') throw inTheWay(standing.because, standing.fix)
  let confirm: () => Promise<void>
  try {
    confirm = await writeBack(hand, writing, standing)
  } catch (error) {
    if (!isRefusal(error)) throw error
    const now = await standingOf(send, writing)
    if (now.is === 'restored') return // whatever the answer said
    if (error.code !== 'target.conflict') throw error
    throw inTheWay(now.is === 'changed' ? now.because : 'somebody is writing this secret at this moment')
  }
  await confirm()
}

/** What it wrote and nobody has looked behind yet: whether what that was written over stands there again, so that nothing is left to undo. */
async function wasMadeGood(hand: Hand, writing: Writing): Promise<boolean> {
  const { wroteAt, unchecked } = writing
  if (wroteAt === undefined || !unchecked) return false
  try {
    await follow(hand, writing, wroteAt, unchecked)
    return false
  } catch (error) {
    if (!isBrokerError(error, 'target.conflict')) throw error
    if ((await standingOf(hand.send, writing)).is === 'restored') return true
    throw error
  }
}

/** Over ours, which was written then. Answers how to look whether it was. */
async function writeBack(
  hand: Hand,
  writing: Writing,
  { createdAt: oursAt, overEnds }: Pick<Standing & { is: 'written' }, 'createdAt' | 'overEnds'>,
): Promise<() => Promise<void>> {
  const { send } = hand
  const { place, from, hadValue } = writing
  const ours = from + 1
  if (!hadValue) {
    await deleteVersion(send, place, ours)
    return () => mustHaveDeleted(send, place, ours, oursAt)
  }
  const earlier = await readVersion(send, place, from)
  const why = whyNotBack(writing, earlier)
  if (earlier.is !== 'live' || why) throw inTheWay(why ?? 'there is no earlier version', fixFor(writing, earlier))
  const at = await writeVersion(send, place, earlier.fields, ours)
  return () => keepAndFollow(hand, writing, oursAt, { version: ours + 1, at, over: oursAt, overValue: true, overEnds })
}

/** Whether the earlier version can be written again as things stand now, and what would be there. */
export async function earlierOutlook(send: Send, writing: Writing): Promise<Outlook> {
  const { place, from } = writing
  const earlier = await readVersion(send, place, from)
  const why = whyNotBack(writing, earlier)
  if (why) return noWayBack({ because: why, fix: fixFor(writing, earlier) })
  const summary = `What version ${from} of ${nameOf(place)} holds is written again as version ${from + 2}.`
  const certificate = earlier.is === 'live' ? writing.certificateIn?.(earlier.fields) : undefined
  return {
    isPossible: true,
    ...(earlier.is === 'live' && earlier.deletedAt && { until: earlier.deletedAt }),
    restores: [{ target: `${place.mount}/data/${place.path}`, summary, ...(certificate && { certificate }) }],
  }
}

/** Why the earlier version cannot be written again; undefined when it can. */
function whyNotBack(writing: Writing, earlier: KvVersion): string | undefined {
  const which = `version ${writing.from} of ${nameOf(writing.place)}`
  if (earlier.is === 'absent') return `${which} is no longer kept`
  if (!isFrom(earlier, writing)) return `${which} is not the version that was there before`
  if (earlier.is !== 'live') return `${which} is ${earlier.is}`
  const field = inexactField(earlier.fields)
  return field && `${which} holds a number in ${field} that the server rounds when the secret is read`
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
function fixFor(writing: Writing, earlier: KvVersion): string {
  const { place, from } = writing
  if (earlier.is === 'deleted' && isFrom(earlier, writing)) return `${kvCommand('undelete', place, from)}, and undo again`
  const byHand = 'write by hand what should be there'
  return earlier.is === 'absent' ? `${byHand}; with a higher max_versions of the secret the next change can be undone` : byHand
}
