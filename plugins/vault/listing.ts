import { BrokerError, isBrokerError } from '../../src/sdk/index.ts'
import type { VaultAnswer } from '../../vault/index.ts'
import type { VaultClient } from './client.ts'
import { isAbsent, type Send } from './send.ts'

type Tags = Readonly<Record<string, string>>

export interface Listed {
  /** folders end with a slash; a secret and a folder may share a name */
  readonly names: readonly string[]
  /** of the secrets for which the listing brought them */
  readonly tags: ReadonlyMap<string, Tags>
}

/** The names in one folder of a KV v2 mount, with their tags where the server lists them along. */
export async function listFolder(
  client: VaultClient,
  send: Send,
  mount: string,
  folder: string,
  signal: AbortSignal,
): Promise<Listed> {
  const { pagedList, detailedMetadata } = await client.features(signal)
  const place = folder === '' ? [] : [folder.slice(0, -1)]
  if (detailedMetadata) {
    try {
      return await listWhole(send, [mount, 'detailed-metadata', ...place], pagedList)
    } catch (error) {
      // The probe looked at one mount; the policy may not reach this one's details.
      if (!isBrokerError(error, 'target.denied')) throw error
    }
  }
  return listWhole(send, [mount, 'metadata', ...place], pagedList)
}

export async function listKeys(client: VaultClient, send: Send, mount: string, signal: AbortSignal): Promise<Listed> {
  const { pagedList } = await client.features(signal)
  return listWhole(send, [mount, 'keys'], pagedList)
}

/** `custom_metadata` as tags; null where none was ever set. */
export function tagsIn(metadata: unknown): Tags {
  if (typeof metadata !== 'object' || metadata === null) return {}
  return Object.fromEntries(Object.entries(metadata).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

/** Where a server pages, the broker's own policy may cut a list short without a word: asks on until nothing new comes. */
async function listWhole(send: Send, path: string[], paged: boolean): Promise<Listed> {
  const tags = new Map<string, Tags>()
  const names = new Set<string>()
  let after: string | undefined
  for (;;) {
    const answer = await send({
      method: 'GET',
      path,
      list: true,
      query: after === undefined ? undefined : { after },
      accept: [404],
      repeatable: true,
    })
    if (answer.status === 404 && !isAbsent(answer)) {
      throw new BrokerError('target.failed', `LIST ${path.join('/')} answered 404: ${answer.errors.join('; ')}`)
    }
    const fresh = namesIn(answer).filter((name) => !names.has(name))
    for (const name of fresh) {
      names.add(name)
      const details = detailsIn(answer, name)
      if (details) tags.set(name, details)
    }
    after = fresh.at(-1)
    if (!paged || after === undefined) return { names: [...names], tags }
  }
}

function namesIn({ data }: VaultAnswer): string[] {
  const { keys } = data
  return Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : []
}

// A folder's entry shows the metadata of the secret of the same name, if there is one: not its own.
function detailsIn({ data }: VaultAnswer, name: string): Tags | undefined {
  const info = data['key_info']
  if (name.endsWith('/') || typeof info !== 'object' || info === null) return undefined
  const details: unknown = Object.entries(info).find(([key]) => key === name)?.[1]
  return typeof details === 'object' && details !== null && 'custom_metadata' in details
    ? tagsIn(details.custom_metadata)
    : undefined
}
