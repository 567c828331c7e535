import { z } from 'zod'
import { BrokerError } from '../../../src/sdk/index.ts'
import type { VaultAnswer } from '../../../vault/index.ts'
import { isAbsent, type Send } from '../send.ts'
import { type KvPlace, nameOf, notAsKv2 } from './kv-place.ts'

/** One version as its server lists it: when it was written tells it from another of the same number, made after a purge. */
export interface ListedVersion {
  readonly is: 'live' | 'deleted' | 'destroyed'
  readonly createdAt: string
  /** since when it is deleted, or when it will be by itself */
  readonly deletedAt?: string
}

export interface KvHistory {
  readonly current: number
  readonly versions: ReadonlyMap<number, ListedVersion>
  /** the end of the second that the server has, RFC 3339 */
  readonly at: string
  readonly answer: VaultAnswer
}

const Metadata = z.object({
  current_version: z.number(),
  versions: z.record(z.string(), z.object({ created_time: z.string(), deletion_time: z.string(), destroyed: z.boolean() })),
})

export function getHistory({ mount, path }: KvPlace) {
  return { method: 'GET', path: [mount, 'metadata', path], accept: [404], repeatable: true } as const
}

/** The versions that are kept; none of a secret that is not there. */
export async function readHistory(send: Send, place: KvPlace): Promise<KvHistory> {
  const [answer, now] = [await send(getHistory(place)), await serverTime(send)]
  const at = new Date(now).toISOString()
  if (isAbsent(answer)) return { current: 0, versions: new Map(), at, answer }
  const metadata = Metadata.safeParse(answer.data)
  if (!metadata.success) throw notAsKv2(`the answer for ${nameOf(place)}`, answer)
  const { current_version: current, versions } = metadata.data
  const listed = Object.entries(versions).map(([number, version]): [number, ListedVersion] => {
    const { created_time: createdAt, deletion_time: deletedAt, destroyed } = version
    const isDeleted = deletedAt !== '' && Date.parse(deletedAt) <= now
    const is = destroyed ? 'destroyed' : isDeleted ? 'deleted' : 'live'
    return [Number(number), { is, createdAt, ...(deletedAt && { deletedAt }) }]
  })
  return { current, versions: new Map(listed), at, answer }
}

/** The end of the second that the server has: what it deleted a moment ago is deleted, and what it will in a moment is as good as deleted. */
async function serverTime(send: Send): Promise<number> {
  const { body } = await send({
    method: 'GET',
    path: ['sys/health'],
    query: { standbyok: 'true', perfstandbyok: 'true' },
    token: 'none',
    namespaced: false,
    accept: [429, 472, 473, 474],
    repeatable: true,
  })
  const { server_time_utc: seconds } = body
  if (typeof seconds === 'number') return (seconds + 1) * 1000
  throw new BrokerError('target.unexpected', 'the server does not tell its time', {
    fix: 'check that a proxy in front of the server passes sys/health on',
  })
}
