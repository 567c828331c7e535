import type { ServerBinary } from '../../../dev/vault/vault-binary.ts'
import { keyValueReady } from '../../../dev/vault/vault-setup.ts'
import type { VaultClient } from '../../../plugins/vault/client.ts'
import type { Action, Json, Reversible, RunContext, Secret, Step } from '../../../src/sdk/index.ts'
import { type VaultWorld, vaultWorld } from './vault-world.ts'

export type Fields = Record<string, unknown>

/** A server whose broker may change secrets, and the secrets as its administrator sees them. */
export interface KvWorld extends VaultWorld {
  write(name: string, fields: Fields, at?: string): Promise<number>
  /** the current fields, or those of a version; undefined where the server shows none */
  fields(name: string, version?: number): Promise<Fields | undefined>
  current(name: string): Promise<number>
  /** when the current version was written */
  writtenAt(name: string): Promise<string>
  /** what people would notice of a secret: its fields, what is said about it, and which versions are deleted or destroyed */
  state(name: string): Promise<unknown>
  /** the same with the history, as far as it says anything but that a version was added */
  versions(name: string): Promise<Record<string, 'live' | 'deleted' | 'destroyed'>>
}

export async function kvWorld(binary?: ServerBinary, settings: Record<string, unknown> = {}): Promise<KvWorld> {
  const world = await vaultWorld(
    {
      capabilities: ['discovery', 'grants', 'rotate-secrets', 'delete-versions', 'destroy-versions'],
      kvMounts: ['kv', 'old'],
      ...settings,
    },
    binary,
  )
  const { api } = world
  await api('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } })
  await api('POST', 'sys/mounts/second', { type: 'kv', options: { version: '2' } })
  await keyValueReady(api, 'second')
  const address = (name: string) => name.split('/').map(encodeURIComponent).join('/')
  const metadata = async (name: string) => (await api('GET', `kv/metadata/${address(name)}`)).body.data
  const fields: KvWorld['fields'] = async (name, version) =>
    (await api('GET', `kv/data/${address(name)}${version ? `?version=${version}` : ''}`)).body?.data?.data ?? undefined
  return {
    ...world,
    fields,
    async write(name, data) {
      const answer = await api('POST', `kv/data/${address(name)}`, { data })
      if (answer.status !== 200) throw new Error(`writing ${name} answered ${answer.status}`)
      return answer.body.data.version
    },
    current: async (name) => (await metadata(name)).current_version,
    writtenAt: async (name) => (await metadata(name)).updated_time,
    async state(name) {
      const { custom_metadata, max_versions, delete_version_after, cas_required } = await metadata(name)
      return { fields: await fields(name), custom_metadata, max_versions, delete_version_after, cas_required }
    },
    async versions(name) {
      const { versions } = await metadata(name)
      return Object.fromEntries(
        Object.entries<{ deletion_time: string; destroyed: boolean }>(versions).map(([number, version]) => [
          number,
          version.destroyed ? 'destroyed' : version.deletion_time ? 'deleted' : 'live',
        ]),
      )
    },
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the input of whichever action is tried
type Doable<S extends Step> = Action<VaultClient, any, S>
type Undoable<S extends Step> = Pick<Reversible<VaultClient, S>, 'rollback'>

/** One use of an action as the runner makes it, its steps as the journal keeps them. */
export interface Use<S extends Step> {
  readonly ctx: RunContext<VaultClient>
  readonly steps: (S & { record?: Json })[]
}

export async function planned<S extends Step>(world: VaultWorld, action: Doable<S>, input: unknown): Promise<Use<S>> {
  const ctx = world.run()
  const steps = await action.plan(ctx, action.input.parse(input))
  return {
    ctx,
    steps: steps.map((step) => ({ ...JSON.parse(JSON.stringify(step)), ...(step.sealed && { sealed: step.sealed }) })),
  }
}

export async function done<S extends Step>(action: Doable<S>, { ctx, steps }: Use<S>): Promise<Use<S>> {
  for (const step of steps) {
    const { record } = await action.execute(ctx, step)
    if (record !== undefined) step.record = record
  }
  return { ctx, steps }
}

export async function undone<S extends Step>(action: Undoable<S>, { ctx, steps }: Use<S>): Promise<void> {
  for (const step of steps.toReversed()) await action.rollback(ctx, step, step.record)
}

export function revealed(secret: Secret | undefined): string {
  return secret?.reveal() ?? ''
}

/** The same, but somebody does something in the instant before each call that is meant: before each write, unless given. */
export function racing(
  ctx: RunContext<VaultClient>,
  meanwhile: () => Promise<void>,
  isMeant = ({ method }: Parameters<VaultClient['call']>[0]) => method === 'POST',
): RunContext<VaultClient> {
  const { client } = ctx
  const call: VaultClient['call'] = async (each) => {
    if (isMeant(each)) await meanwhile()
    return client.call(each)
  }
  return {
    ...ctx,
    client: {
      settings: client.settings,
      call,
      features: (signal) => client.features(signal),
      auditsCorrelation: (...asked) => client.auditsCorrelation(...asked),
      knownFeatures: () => client.knownFeatures(),
    },
  }
}
