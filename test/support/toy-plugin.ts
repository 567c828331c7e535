import { once } from 'node:events'
import { z } from 'zod'
import {
  BrokerError,
  type DiscoveredResource,
  type HealthCheck,
  type Json,
  type Plugin,
  Secret,
  secret,
} from '../../src/sdk/index.ts'

export const TOY_PASSWORD = 'canary-the-toys-own-password'

/** A small system with real state, steered in ways in which no real one can be. */
export class ToyTarget {
  /** what a folder holds; '' is the root, and names of folders end in a slash */
  readonly folders = new Map<string, Map<string, ToyThing>>([['', new Map()]])
  readonly tags = new Map<string, Record<string, string>>()
  readonly unreadable = new Map<string, string>()
  readonly hanging = new Set<string>()
  /** folders that wait until somebody says so */
  readonly gates = new Map<string, Promise<unknown>>()
  password = TOY_PASSWORD
  /** why the broker's session cannot be kept */
  trouble: string | undefined
  opened = 0
  closed = 0
  /** folders in the order in which they were read */
  readonly reads: string[] = []
  describes = true

  put(name: string, thing: ToyThing = {}): void {
    const at = name.lastIndexOf('/') + 1
    this.folder(name.slice(0, at)).set(name, thing)
  }

  remove(name: string): void {
    this.folder(name.slice(0, name.lastIndexOf('/') + 1)).delete(name)
  }

  below(folder: string): string[] {
    const isChild = (other: string) =>
      other !== folder && other.startsWith(folder) && !other.slice(folder.length, -1).includes('/')
    return [...this.folders.keys()].filter(isChild)
  }

  private folder(path: string): Map<string, ToyThing> {
    for (let at = path.indexOf('/') + 1; at > 0; at = path.indexOf('/', at) + 1) this.open(path.slice(0, at))
    return this.open(path)
  }

  private open(path: string): Map<string, ToyThing> {
    const known = this.folders.get(path) ?? new Map<string, ToyThing>()
    this.folders.set(path, known)
    return known
  }
}

export interface ToyThing {
  readonly attributes?: Readonly<Record<string, Json>>
  readonly ungrantable?: string
}

export const toyConfig = z.object({
  address: z.string().min(1).meta({ title: 'Address' }),
  login: z.discriminatedUnion('method', [
    z.object({
      method: z.literal('password'),
      password: secret({ title: 'Password' }),
      spare: secret({ title: 'Spare' }).optional(),
    }),
    z.object({ method: z.literal('key'), key: secret({ title: 'Key' }) }),
  ]),
  depth: z.number().int().default(3),
})
export type ToyConfig = z.infer<typeof toyConfig>

export interface ToyClient {
  readonly config: ToyConfig
  readonly target: ToyTarget
}

export function toyPlugin(target: ToyTarget): Plugin<ToyConfig, ToyClient> {
  return {
    manifest: { id: 'toy', name: 'Toy', vendor: 'Tests', description: 'A toy.', sdk: 1, guide: 'docs/integrations/toy.md' },
    config: toyConfig,
    secretsGoTo: ['address'],
    connect: async (config, host) => {
      target.opened += 1
      await host.keep('visited', new Secret('canary-kept-by-the-toy'))
      return { config, target }
    },
    close: async () => {
      target.closed += 1
    },
    health: async ({ config }) => checksOf(config, target),
    keepAlive: async () => {
      if (target.trouble) throw new BrokerError('target.login_failed', target.trouble)
    },
    session: () => ({ ok: target.trouble === undefined, detail: target.trouble ?? 'logged in' }),
    minimumPolicy: ({ address, depth }) => ({ document: `allow ${address} ${depth}`, commands: [`toy allow ${address}`] }),
    resourceTypes: [
      { id: 'toy-thing', title: 'Thing', permissions: [{ id: 'play', title: 'Play', description: 'Plays with it.' }] },
    ],
    discover: (_client, folders, signal) => walk(target, folders, signal),
    describe: async (_client, resources) => {
      if (!target.describes) throw new BrokerError('target.denied', 'the toy shows no tags')
      return resources.map(({ type, name }) => ({ type, name, tags: target.tags.get(name) ?? {} }))
    },
    actions: [],
  }
}

function checksOf({ address, login }: ToyConfig, target: ToyTarget): HealthCheck[] {
  if (address === 'nowhere') throw new BrokerError('target.unreachable', 'nowhere does not answer')
  const right = login.method === 'password' && login.password.reveal() === target.password
  if (right) return [{ name: 'login', status: 'ok', detail: 'welcome' }]
  return [{ name: 'login', status: 'failed', detail: 'the toy does not know this password', fix: 'give the right one' }]
}

async function* walk(target: ToyTarget, folders: readonly string[], signal: AbortSignal) {
  const waiting = [...folders]
  for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) {
    await target.gates.get(folder)
    if (target.hanging.has(folder)) await once(signal, 'abort')
    target.reads.push(folder)
    const unreadable = target.unreadable.get(folder)
    const below = unreadable === undefined ? target.below(folder) : []
    waiting.push(...below)
    yield { folder, resources: unreadable === undefined ? thingsIn(target, folder) : [], folders: below, unreadable }
  }
}

function thingsIn(target: ToyTarget, folder: string): DiscoveredResource[] {
  const things = target.folders.get(folder) ?? new Map<string, ToyThing>()
  return [...things].map(([name, { attributes = {}, ungrantable }]) => ({ type: 'toy-thing', name, attributes, ungrantable }))
}
