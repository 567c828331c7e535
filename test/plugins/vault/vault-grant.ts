import type { ServerBinary } from '../../../dev/vault/vault-binary.ts'
import { grantAccess } from '../../../plugins/vault/actions/grant-access.ts'
import type { VaultClient } from '../../../plugins/vault/client.ts'
import { type Credential, type GrantInput, type RunContext, Secret, type Step } from '../../../src/sdk/index.ts'
import { paste } from '../../support/paste.ts'
import type { VaultWorld } from './vault-world.ts'

type Resources = GrantInput['resources']
type Steps = Awaited<ReturnType<typeof grantAccess.plan>>

export interface ProvisionedGrant {
  readonly ctx: RunContext<VaultClient>
  readonly steps: Steps
  readonly username: string
  readonly policy: string
}

/** A grant as the runner provisions it. */
export async function givenAGrant(
  world: VaultWorld,
  resources: Resources,
  options?: Parameters<VaultWorld['run']>[0],
): Promise<ProvisionedGrant> {
  const ctx = world.run(options)
  const steps = await grantAccess.plan(ctx, { resources })
  for (const step of steps) await grantAccess.execute(ctx, step)
  return { ctx, steps, username: lastSegment(steps, 'user'), policy: lastSegment(steps, 'policy') }
}

/** As the runner takes it back. */
export async function takeBack({ ctx, steps }: ProvisionedGrant): Promise<void> {
  for (const step of steps.toReversed()) await grantAccess.rollback(ctx, step, {})
}

/** The token that the grantee unwraps. */
export async function collected(world: VaultWorld, credential: Credential): Promise<string> {
  const answer = await world.api('POST', 'sys/wrapping/unwrap', {}, { 'x-vault-token': shown(credential, 'wrapping_token') })
  return answer.body.auth.client_token
}

export function shown(credential: Credential, name: string): string {
  const value = credential.fields.find((field) => field.name === name)?.value
  if (value === undefined) throw new TypeError(`the credential has no ${name}`)
  return value instanceof Secret ? value.reveal() : value
}

/** Everything in the server that a grant may leave behind, ends and ids aside. */
export async function tracesIn({ api }: Pick<VaultWorld, 'api'>): Promise<unknown> {
  const keys = async (place: string): Promise<string[]> => (await api('GET', `${place}?list=true`)).body.data?.keys ?? []
  const [policies, users, entities, aliases] = await Promise.all(
    ['sys/policies/acl', 'auth/apono/users', 'identity/entity/id', 'identity/entity-alias/id'].map(keys),
  )
  return {
    users: await Promise.all((users ?? []).map(async (name) => [name, await policiesOf(name)])),
    // One that expired is listed until somebody looks at it.
    policies: (await Promise.all((policies ?? []).map(async (name) => [name, await textOf(name)]))).filter(([, text]) => text),
    entities,
    aliases,
    logins: await keys('sys/leases/lookup/auth/apono/login'),
  }

  async function policiesOf(name: string) {
    return (await api('GET', `auth/apono/users/${name}`)).body.data.token_policies
  }
  async function textOf(name: string) {
    return (await api('GET', `sys/policies/acl/${name}`)).body.data?.policy
  }
}

/** What the shown commands print, pasted into a shell where the shown fields are variables. */
export async function pasted(binary: ServerBinary, credential: Credential): Promise<string> {
  const fields = Object.fromEntries(credential.fields.map(({ name }) => [name, shown(credential, name)]))
  return (await paste(binary, fields, [...credential.prepare, ...credential.usage])).printed
}

function lastSegment(steps: readonly Step[], kind: string): string {
  return steps
    .find((step) => step.kind === kind)!
    .target.split('/')
    .at(-1)!
}
