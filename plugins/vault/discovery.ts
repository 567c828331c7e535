import { type Described, type DiscoveredResource, type DiscoveryPage, isBrokerError } from '../../src/sdk/index.ts'
import { unaskable, type VaultAnswer } from '../../vault/index.ts'
import type { VaultClient } from './client.ts'
import { inParallel } from './in-parallel.ts'
import { type Listed, listFolder, listKeys, tagsIn } from './listing.ts'
import { type Mount, readMounts, unreachedMounts } from './mounts.ts'
import { ungrantable, ungrantableKey } from './names.ts'
import { KV_SECRET, TRANSIT_KEY } from './resource-types.ts'
import { type Send, sending } from './send.ts'

// Of one folder or one secret only; a target that is down or sealed ends the walk.
const OF_ONE_PLACE = ['target.denied', 'target.failed', 'target.busy', 'target.timeout', 'target.unsupported'] as const
const LISTS_AT_ONCE = 6
const DETAILS_AT_ONCE = 8
const KEY_DETAILS = [
  'type',
  'supports_encryption',
  'supports_decryption',
  'supports_signing',
  'exportable',
  'latest_version',
] as const

/** Names of KV v2 secrets and Transit keys, folder by folder. Reads no secret. */
export async function* discover(
  client: VaultClient,
  folders: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<DiscoveryPage, void, undefined> {
  const send = sending(client, signal, 'background')
  const mounts = (await readMounts(send)).secret
  const waiting = [...folders]
  const read = (folder: string) => pageOf(client, send, mounts, folder, signal)
  for await (const page of inParallel(waiting, LISTS_AT_ONCE, read)) {
    waiting.push(...page.folders)
    yield page
  }
}

/** Tags of KV secrets and details of Transit keys. What is gone or cannot be asked for is left out; what may not be read says so, and costs nothing else. */
export async function describe(
  client: VaultClient,
  resources: readonly DiscoveredResource[],
  signal: AbortSignal,
): Promise<Described[]> {
  const send = sending(client, signal, 'background')
  const described: Described[] = []
  for await (const each of inParallel([...resources], DETAILS_AT_ONCE, (resource) => detailsOf(send, resource))) {
    if (each) described.push(each)
  }
  return described
}

async function pageOf(
  client: VaultClient,
  send: Send,
  mounts: readonly Mount[],
  folder: string,
  signal: AbortSignal,
): Promise<DiscoveryPage> {
  if (folder === '') return rootPage(client, mounts, await outOfReach(client, send, mounts))
  const mount = mounts.find((each) => folder.startsWith(`${each.path}/`) && isCovered(client, each))
  if (!mount)
    return {
      ...empty(folder),
      unreadable: 'there is no such mount, or the integration does not cover it, or the broker’s policy does not reach it',
    }
  try {
    if (mount.kind === 'transit') return keysPage(mount, await listKeys(client, send, mount.path, signal))
    return secretsPage(mount, folder, await listFolder(client, send, mount.path, folder.slice(mount.path.length + 1), signal))
  } catch (error) {
    if (!isBrokerError(error, ...OF_ONE_PLACE)) throw error
    return { ...empty(folder), unreadable: error.message }
  }
}

/** With `all`, what is there all the same: a policy with `+` reaches mounts of one segment only. */
async function outOfReach(client: VaultClient, send: Send, mounts: readonly Mount[]): Promise<string[]> {
  const { kvMounts, transitMounts } = client.settings
  if (kvMounts !== 'all' && transitMounts !== 'all') return []
  const unreached = await unreachedMounts(send, mounts)
  return unreached.filter((mount) => isCovered(client, mount)).map(unreachedInWords)
}

export function unreachedInWords({ path, kind }: Pick<Mount, 'path' | 'kind'>): string {
  const [words, field] = kind === 'kv' ? ['a KV v2', 'kvMounts'] : ['a Transit', 'transitMounts']
  return `${path}/ is ${words} mount that the broker’s policy does not reach; name the mounts in ${field}, and add the lines that the policy then needs`
}

function rootPage(client: VaultClient, mounts: readonly Mount[], unreached: readonly string[]): DiscoveryPage {
  const { kvMounts, transitMounts } = client.settings
  const found = new Set(mounts.map((mount) => mount.path))
  const wanted = [kvMounts, transitMounts].flatMap((names) => (names === 'all' ? [] : names))
  const old = mounts.filter((mount) => mount.kind === 'kv-v1' && (kvMounts === 'all' || kvMounts.includes(mount.path)))
  // A mount that is gone and one that the policy no longer reaches look the same from here, so a named one is walked all the same:
  // as a folder that cannot be read, it retires nothing.
  const missing = wanted.filter((name) => !found.has(name))
  const there = mounts.filter((mount) => isCovered(client, mount)).map((mount) => mount.path)
  const reached = [...there, ...missing]
  return {
    ...empty(''),
    folders: reached.map((name) => `${name}/`),
    ...(reached.length === 0 && { unreadable: 'the broker’s policy reaches no KV v2 and no Transit mount' }),
    notices: [
      ...old.map((mount) => `${mount.path}/ is KV version 1, which keeps no versions and is not supported`),
      ...unreached,
    ],
  }
}

function secretsPage(mount: Mount, folder: string, listed: Listed): DiscoveryPage {
  const inner = folder.slice(mount.path.length + 1)
  const below = listed.names.filter((name) => name.endsWith('/')).map((name) => folder + name)
  const refused = new Map(below.flatMap((name) => withReason(name, unaskable(name.slice(0, -1)))))
  return {
    folder,
    resources: listed.names
      .filter((name) => !name.endsWith('/'))
      .map((name) => ({
        type: KV_SECRET,
        name: folder + name,
        attributes: { mount: mount.path, path: inner + name },
        tags: listed.tags.get(name),
        ungrantable: ungrantable(folder + name),
      })),
    folders: below.filter((name) => !refused.has(name)),
    notices: [...refused].map(([name, reason]) => `the folder ${JSON.stringify(name)} cannot be listed: ${reason}`),
  }
}

function keysPage(mount: Mount, listed: Listed): DiscoveryPage {
  const resources = listed.names.map((name) => ({
    type: TRANSIT_KEY,
    name: `${mount.path}/${name}`,
    attributes: { mount: mount.path, path: name },
    ungrantable: ungrantable(`${mount.path}/${name}`) ?? ungrantableKey(name),
  }))
  return { ...empty(`${mount.path}/`), resources }
}

async function detailsOf(send: Send, resource: DiscoveredResource): Promise<Described | undefined> {
  const { type, name, attributes } = resource
  const { mount, path } = attributes
  if (typeof mount !== 'string' || typeof path !== 'string') throw new TypeError(`${name} was not discovered here`)
  if (unaskable(name)) return undefined // it stays listed, with the reason why nobody can have access to it
  const kind = type === TRANSIT_KEY ? 'keys' : 'metadata'
  let answer: VaultAnswer
  try {
    answer = await send({ method: 'GET', path: [mount, kind, path], accept: [404], repeatable: true })
  } catch (error) {
    if (!isBrokerError(error, ...OF_ONE_PLACE)) throw error
    return { type, name, tags: {}, unreadable: [error.message, error.fix].filter(Boolean).join('; ') }
  }
  const { status, data } = answer
  if (status === 404) return undefined
  if (kind === 'metadata') return { type, name, tags: tagsIn(data['custom_metadata']) }
  const details = KEY_DETAILS.flatMap((key) => {
    const value = data[key]
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [[key, value] as const] : []
  })
  return { type, name, tags: {}, attributes: { ...attributes, ...Object.fromEntries(details) } }
}

function isCovered(client: VaultClient, mount: Mount): boolean {
  const { kvMounts, transitMounts } = client.settings
  if (mount.kind === 'kv') return kvMounts === 'all' || kvMounts.includes(mount.path)
  return mount.kind === 'transit' && (transitMounts === 'all' || transitMounts.includes(mount.path))
}

function withReason(name: string, reason: string | undefined): [string, string][] {
  return reason === undefined ? [] : [[name, reason]]
}

function empty(folder: string): DiscoveryPage {
  return { folder, resources: [], folders: [] }
}
