import { z } from 'zod'
import { BrokerError, type Evidence, type Weight } from '../../../src/sdk/index.ts'
import type { VaultClient } from '../client.ts'
import { evidenceOf, lookOf } from '../evidence.ts'
import type { Send } from '../send.ts'
import { getHistory, type KvHistory, type ListedVersion, readHistory } from './kv-history.ts'
import { concernsOf, type KvPlace, kvPlace, mustKeepVersions, nameOf } from './kv-place.ts'

/** Some versions of one secret. */
export const KvVersions = z.strictObject({
  ...kvPlace,
  versions: z
    .array(
      z
        .number()
        .int()
        .min(1)
        .max(2 ** 31),
    )
    .min(1)
    .max(50)
    .refine((versions) => new Set(versions).size === versions.length, 'must name each version once')
    .meta({ title: 'Versions', description: 'their numbers' }),
})
export type KvVersions = z.infer<typeof KvVersions>

/** What every action on versions says of itself. */
export const ofVersions = {
  input: KvVersions,
  weigh: ({ versions }: KvVersions): Weight => ({
    because: versions.length > 1 ? [`It names ${versions.length} versions.`] : [],
    parts: versions.length,
  }),
  concerns: concernsOf,
  writes: (place: KvVersions) => [nameOf(place)],
}

/** What a step is done to: the time tells this version from another of its number. */
export type OneVersion = KvPlace & { readonly version: number; readonly createdAt: string }

/** Every version asked for, as it stands; throws for one that is not there any more. */
export async function versionsToChange(
  send: Send,
  client: VaultClient,
  { versions, ...place }: KvVersions,
): Promise<{ history: KvHistory; found: readonly (ListedVersion & { readonly version: number })[] }> {
  await mustKeepVersions(send, client, place.mount)
  const history = await readHistory(send, place)
  const found = versions.map((version, at) => {
    const listed = history.versions.get(version)
    if (listed && listed.is !== 'destroyed') return { version, ...listed }
    const why = listed ? 'is destroyed already' : 'is not there: it was never written, or is no longer kept'
    throw new BrokerError('input.invalid', `version ${version} of ${nameOf(place)} ${why}`, {
      field: `input.versions.${at}`,
      fix: `choose among ${standing(history) || 'those of another secret, this one has none'}`,
    })
  })
  return { history, found }
}

/** The version that was planned on, or undefined when it, or the whole secret, has gone and perhaps been made again. */
export function sameVersion(history: KvHistory, { version, createdAt }: OneVersion): ListedVersion | undefined {
  const listed = history.versions.get(version)
  return listed?.createdAt === createdAt ? listed : undefined
}

/** What there is now of a version that was planned on. `another`: its number, given again after a purge. */
export function standingNow(
  history: KvHistory,
  planned: OneVersion,
): ListedVersion['is'] | 'no longer kept' | `another, ${ListedVersion['is']}` {
  const listed = history.versions.get(planned.version)
  if (!listed) return 'no longer kept'
  return listed.createdAt === planned.createdAt ? listed.is : `another, ${listed.is}`
}

/** What the history says of a version, and whether that is as it should be. */
export function evidenceFor(planned: OneVersion, history: KvHistory, holds: boolean): Evidence {
  const observed = `${history.answer.status}, ${standingNow(history, planned)}`
  const look = lookOf(getHistory(planned), history.answer, observed)
  return evidenceOf(`version ${planned.version} of ${nameOf(planned)}`, holds, look)
}

export function mustBeSame(place: OneVersion, listed: ListedVersion | undefined): ListedVersion {
  if (listed) return listed
  throw new BrokerError(
    'target.conflict',
    `version ${place.version} of ${nameOf(place)} is no longer the version for which this was planned`,
    {
      fix: 'look at the versions that exist now, and start again',
    },
  )
}

function standing({ versions }: KvHistory): string {
  return [...versions].flatMap(([number, { is }]) => (is === 'destroyed' ? [] : [number])).join(', ')
}
