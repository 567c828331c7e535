import { createHash } from 'node:crypto'
import type { VaultAnswer, VaultCall } from '../../../vault/index.ts'
import { isAbsent, type Send } from '../send.ts'
import { type KvPlace, nameOf, notAsKv2 } from './kv-place.ts'

export type Fields = Readonly<Record<string, unknown>>

interface Found {
  readonly version: number
  /** when it was written: tells it from another of its number, made after a purge */
  readonly createdAt: string
  readonly answer: VaultAnswer
}

/** One version of a secret as the server has it. `absent`: never written, pruned, or purged with all its versions. */
export type KvVersion =
  | (Found & { readonly is: 'live'; readonly fields: Fields; readonly deletedAt?: string })
  | (Found & { readonly is: 'deleted'; readonly deletedAt?: string })
  | (Found & { readonly is: 'destroyed' })
  | { readonly is: 'absent'; readonly answer: VaultAnswer }

export function getVersion({ mount, path }: KvPlace, version?: number): VaultCall {
  return {
    method: 'GET',
    path: [mount, 'data', path],
    ...(version !== undefined && { query: { version: String(version) } }),
    accept: [404],
    repeatable: true,
  }
}

/** The current version unless one is named. */
export async function readVersion(send: Send, place: KvPlace, version?: number): Promise<KvVersion> {
  const answer = await send(getVersion(place, version))
  if (isAbsent(answer)) return { is: 'absent', answer }
  const { data: fields, metadata } = answer.data
  if (!isObject(metadata) || typeof metadata['version'] !== 'number' || typeof metadata['created_time'] !== 'string')
    throw notAsKv2(`the answer for ${nameOf(place)}`, answer)
  // What is decided by the neighbours of a version is not decided by another.
  if (version !== undefined && metadata['version'] !== version)
    throw notAsKv2(`the answer for version ${version} of ${nameOf(place)}`, answer)
  const found = { version: metadata['version'], createdAt: metadata['created_time'], answer }
  if (metadata['destroyed'] === true) return { is: 'destroyed', ...found }
  const { deletion_time: deletedAt } = metadata
  const deleted = typeof deletedAt === 'string' && deletedAt && { deletedAt }
  if (answer.status === 404 || !isObject(fields)) return { is: 'deleted', ...found, ...deleted }
  return { is: 'live', ...found, fields, ...deleted }
}

/** Writes a version if `version` is still the current one; throws `target.conflict` otherwise. Answers when it was written. */
export async function writeVersion(send: Send, place: KvPlace, fields: Fields, version: number): Promise<string> {
  const { mount, path } = place
  const body = { data: fields, options: { cas: version } }
  const answer = await send({ method: 'POST', path: [mount, 'data', path], body, repeatable: true })
  const { created_time: writtenAt, version: written } = answer.data
  if (typeof writtenAt === 'string' && written === version + 1) return writtenAt
  throw notAsKv2(`the answer to writing ${nameOf(place)}`, answer)
}

/** Until somebody undeletes it. Nothing is compared. */
export async function deleteVersion(send: Send, { mount, path }: KvPlace, version: number): Promise<void> {
  await send({ method: 'POST', path: [mount, 'delete', path], body: { versions: [version] }, repeatable: true })
}

/** Tells two contents apart without keeping either. Of a secret that can be guessed it is as telling as the secret: keep it sealed. */
export function digestOf(fields: Fields): string {
  return createHash('sha256').update(sorted(fields)).digest('base64url')
}

/**
 * The field that would not come back as it is, or undefined. The server reads numbers into 64 bits of floating point: what it answers for a
 * whole number beyond 2^53 may already be another one, and writing that would lose the true one for good.
 */
export function inexactField(fields: Fields): string | undefined {
  return Object.keys(fields).find((name) => holdsInexact(fields[name]))
}

function holdsInexact(value: unknown): boolean {
  if (typeof value === 'number') return Object.is(value, -0) || (Number.isInteger(value) && !Number.isSafeInteger(value))
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsInexact)
}

/** JSON with the keys in their order. */
function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  const keys = Object.keys(value).toSorted()
  return `{${keys.map((key) => `${JSON.stringify(key)}:${sorted(value[key])}`).join(',')}}`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
