import { isDeepStrictEqual } from 'node:util'
import { BrokerError, isBrokerError } from '../../../src/sdk/index.ts'
import type { VaultAnswer } from '../../../vault/index.ts'
import type { Send } from '../send.ts'
import { kvCommand } from './kv-command.ts'
import { getHistory } from './kv-history.ts'
import { type KvPlace, nameOf } from './kv-place.ts'
import type { WrittenVersion } from './kv-record.ts'
import { deleteVersion, inexactField, type KvVersion, readVersion, writeVersion } from './kv-version.ts'

/** What a look at a neighbour needs. */
export interface Looking {
  readonly send: Send
  readonly place: KvPlace
  /** keeps what was written to make good, before anybody looks what that was written over */
  readonly keep: (written: WrittenVersion) => Promise<void>
}

/**
 * Check-and-set compares numbers alone. Somebody may purge a secret and make it again, up to the same version, between the last look and the
 * write; or delete the version, or bring it back. Looks what the write stands on. Where it is not what it was meant to follow, makes it good at
 * once and throws `target.conflict`. May be asked again when an answer was lost.
 */
export async function mustFollow(looking: Looking, written: WrittenVersion): Promise<void> {
  const { send, place } = looking
  const before = await readVersion(send, place, written.version - 1)
  const change = await changeBefore(looking, written, before)
  if (change === undefined && written.because === undefined) return
  const current = await readVersion(send, place)
  const isStill = isWritten(current, written)
  if (change === undefined) {
    if (isStill) throw changedInBetween(written.because ?? '')
    return
  }
  if (isStill && current.is === 'live') return makeGood(looking, written, { before, current }, change)
  if (isStill && wasDeletedBefore(before, written)) throw changedInBetween(`${change}: ${deletedToo(written)}`)
  // Made again after we wrote, too: then ours is gone, and nothing that somebody else wrote was written over.
  if (!isStill && !isWritten(await readVersion(send, place, written.version), written)) return
  if (before.is === 'deleted' && before.createdAt !== written.over) throw overDeleted(place, written, change)
  if (before.is !== 'live') return
  if (isGiven(written, before, current)) throw changedInBetween(`${change}: ${givenBack(written)}`)
  throw isStill ? deletedSince(place, written, change, current.is) : changedSince(place, written, change)
}

/** What somebody did to the version that was to be followed, in words. Undefined: nothing that the server lets us know. */
async function changeBefore(looking: Looking, written: WrittenVersion, before: KvVersion): Promise<string | undefined> {
  const { version, over, overValue } = written
  const name = nameOf(looking.place)
  const isAnother = before.is === 'absent' ? await isMadeAgain(looking, written) : before.createdAt !== over
  const instant = `in the instant before version ${version} was written`
  const byNumber = `${instant}, and check-and-set goes by the number`
  if (isAnother) return `somebody removed ${name} and made it again ${byNumber}`
  const it = `version ${version - 1} of ${name}`
  // The servers do not say when a version was destroyed or brought back.
  if (overValue && before.is === 'destroyed') return `somebody destroyed ${it} ${instant}, or in the one after it`
  if (overValue && wasDeletedBefore(before, written)) return `somebody deleted ${it} ${byNumber}`
  return !overValue && before.is === 'live' ? `somebody brought ${it} back ${instant}, or in the one after it` : undefined
}

/** Of a secret that keeps one version alone, its own age tells: the version before ours cannot be older. */
export async function isMadeAgain(
  { send, place }: Pick<Looking, 'send' | 'place'>,
  { version, at, over }: Pick<WrittenVersion, 'version' | 'at' | 'over'>,
): Promise<boolean> {
  const { status, data } = await send({ ...getHistory(place), accept: [403, 404] })
  const { created_time: madeAt, versions } = data
  if (status !== 200 || over === null || typeof madeAt !== 'string') return false
  return writtenAtIn(versions, version) === at && isEarlier(over, madeAt)
}

/** Ours is the current version, and what it stands on is not what it was meant to follow. Always throws. */
async function makeGood(
  looking: Looking,
  written: WrittenVersion,
  { before, current }: { readonly before: KvVersion; readonly current: KvVersion & { is: 'live' } },
  change: string,
): Promise<never> {
  const { place } = looking
  const name = nameOf(place)
  const { version } = written
  const over = `${change}: their version ${version - 1} was written over and`
  switch (before.is) {
    case 'live': {
      const field = inexactField(before.fields)
      if (!field) return give(looking, { ...written, ends: current.deletedAt }, before, change)
      const why = `holds a number in ${field} that the server rounds when the secret is read`
      throw changedInBetween(`${over} ${why}`, seeAndWrite(place, version - 1))
    }
    case 'deleted':
      if (wasDeletedBefore(before, written)) return withdraw(looking, written, change)
      throw overDeleted(place, written, change)
    case 'destroyed':
      if (before.createdAt !== written.over) throw changedInBetween(`${over} is destroyed`, askWhoMade(name))
      throw changedInBetween(
        `${change}: version ${version} stands there and may hold what was destroyed`,
        `look at version ${version}; if nothing of it may be left, ${kvCommand('destroy', place, version)}`,
      )
    case 'absent':
      throw changedInBetween(`${over} is no longer kept`, askWhoMade(name))
  }
}

/** Writes again what somebody else wrote, over ours, and looks what that was written over. */
async function give(
  looking: Looking,
  written: WrittenVersion & { readonly ends: string | undefined },
  theirs: KvVersion & { is: 'live' },
  change: string,
): Promise<never> {
  const { send, place, keep } = looking
  const { version } = written
  const because = `${change}: ${givenBack(written)}`
  let at: string
  try {
    at = await writeVersion(send, place, theirs.fields, version)
  } catch (error) {
    if (!isRefusal(error)) throw error
    // An answer that was lost, and the call repeated, meets what it wrote itself.
    const [now, ours] = [await readVersion(send, place), await readVersion(send, place, version)]
    if (isGiven(written, theirs, now) && isWritten(ours, written)) throw changedInBetween(because)
    throw changedSince(place, written, change)
  }
  const given = { version: version + 1, at, over: written.at, overValue: true, overEnds: written.ends, because }
  await keep(given)
  await mustFollow(looking, given)
  throw changedInBetween(because)
}

/** Deletes ours again, over a version that was deleted. */
async function withdraw({ send, place }: Looking, written: WrittenVersion, change: string): Promise<never> {
  const { version } = written
  try {
    await deleteVersion(send, place, version)
  } catch (error) {
    if (!isBrokerError(error, 'target.denied')) throw error
    throw changedInBetween(
      `${change}: version ${version} stands there, and the broker may not delete it`,
      `if the secret is not to be read, ${kvCommand('delete', place, version)}`,
    )
  }
  await mustHaveDeleted(send, place, version, written.at)
  throw changedInBetween(`${change}: ${deletedToo(written)}`)
}

/** Nothing is compared where a version is deleted: of a secret made again in that instant, another's was. */
export async function mustHaveDeleted(send: Send, place: KvPlace, version: number, oursAt: string): Promise<void> {
  const now = await readVersion(send, place, version)
  if (now.is !== 'deleted' || now.createdAt === oursAt) return
  const because = `somebody removed ${nameOf(place)} and made it again in the instant before its version ${version} was deleted, and theirs was`
  throw changedInBetween(because, `${kvCommand('undelete', place, version)} brings back what they wrote`)
}

/** What is said not to have been done: it is looked at before that is believed. What may pass is tried again, which looks first, too. */
export function isRefusal(error: unknown): error is BrokerError {
  return error instanceof BrokerError && !error.retryable
}

/** A version that somebody deleted before ours was written, by the server's own clock; none that ended by itself, as it was to. */
export function wasDeletedBefore(before: KvVersion, { at, overEnds }: Pick<WrittenVersion, 'at' | 'overEnds'>): boolean {
  if (before.is !== 'deleted' || before.deletedAt === undefined) return false
  return before.deletedAt !== overEnds && isEarlier(before.deletedAt, at)
}

/** Whether what they wrote stands right after ours. */
function isGiven({ version }: WrittenVersion, theirs: KvVersion & { is: 'live' }, current: KvVersion): boolean {
  return current.is === 'live' && current.version === version + 1 && isDeepStrictEqual(current.fields, theirs.fields)
}

function isWritten(version: KvVersion, { version: number, at }: WrittenVersion): boolean {
  return version.is !== 'absent' && version.version === number && version.createdAt === at
}

function changedSince(place: KvPlace, { version }: WrittenVersion, change: string): BrokerError {
  const why = 'is not the one before the current one any more, because somebody has changed the secret since'
  return changedInBetween(`${change}: their version ${version - 1} was written over and ${why}`, seeAndWrite(place, version - 1))
}

function overDeleted(place: KvPlace, { version }: WrittenVersion, change: string): BrokerError {
  const fix = `${kvCommand('undelete', place, version - 1)} brings it back: write by hand what should be there`
  return changedInBetween(`${change}: their version ${version - 1} was written over and is deleted`, fix)
}

function deletedSince(place: KvPlace, { version }: WrittenVersion, change: string, is: string): BrokerError {
  const message = `${change}: their version ${version - 1} was written over, and version ${version} after it was ${is} since`
  return changedInBetween(message, seeAndWrite(place, version - 1))
}

function givenBack({ version, overValue }: WrittenVersion): string {
  return `what ${overValue ? 'they wrote' : 'it holds'} was written again, as version ${version + 1}`
}

function deletedToo({ version }: WrittenVersion): string {
  return `version ${version} was deleted, too`
}

function seeAndWrite(place: KvPlace, version: number): string {
  return `${kvCommand('get', place, version)} shows theirs: write by hand what should be there`
}

function askWhoMade(name: string): string {
  return `ask the person who made ${name} again what it held, and write that`
}

function changedInBetween(message: string, fix = 'look at what is there now, and start again'): BrokerError {
  return new BrokerError('target.conflict', message, { fix })
}

function writtenAtIn(versions: VaultAnswer['data'][string], number: number): unknown {
  const version: unknown = typeof versions === 'object' && versions !== null ? Reflect.get(versions, String(number)) : undefined
  return typeof version === 'object' && version !== null ? Reflect.get(version, 'created_time') : undefined
}

function isEarlier(time: string, than: string): boolean {
  return sortable(time) < sortable(than)
}

/** The servers leave zeros out at the end of a second's parts. */
function sortable(time: string): string {
  return time.replace(/(?:\.(\d+))?Z$/, (_, parts: string | undefined) => `.${(parts ?? '').padEnd(9, '0')}`)
}
