import { randomBytes } from 'node:crypto'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { ROLES, SCOPES } from '../../src/contract/identity.ts'
import type { AnyPlugin } from '../../src/sdk/index.ts'
import type { Api } from './api.ts'
import { type Broker, startBroker } from './broker.ts'
import { grantingToy } from './granting-toy.ts'
import { ownToken } from './own-token.ts'
import { TOY_PASSWORD, ToyTarget } from './toy-plugin.ts'

/** Somebody, with a token for each scope alone and one for all of them. */
export interface Somebody {
  readonly id: string
  readonly name: string
  readonly api: Api
  readonly token: string
  readonly with: (scopes: readonly string[]) => Promise<Api>
}

/** A broker whose target grants, and one beside it on the same database that wants four eyes. */
export interface MatrixWorld {
  readonly broker: Broker
  readonly admin: Api
  readonly cautious: Broker
  readonly integrationId: string
  readonly resourceId: string
  person(name: string, roles?: readonly string[]): Promise<Somebody>
  integration(): Promise<string>
  flow(approval: object, more?: object): Promise<string>
  query: Broker['database']['query']
  close(): Promise<void>
}

export const unique = (word: string) => `${word} ${randomBytes(5).toString('hex')}`
export const TOY_CONFIG = { address: 'here', login: { method: 'password', password: TOY_PASSWORD } }
export const EVERYBODY = { kind: 'everyone' }
export const peopleOf = (...who: { readonly id: string }[]) => ({ users: who.map(({ id }) => id), groups: [] })
export const stage = (...who: { readonly id: string }[]) => ({ approvers: [{ kind: 'people', ...peopleOf(...who) }] })

export async function startMatrixWorld(): Promise<MatrixWorld> {
  const plugins = toys()
  return furnishToys(await startBroker({ plugins }), plugins)
}

/** A plugin with two things in its target, to which it lets people in. */
export function toys(): AnyPlugin[] {
  const target = new ToyTarget()
  for (const name of ['a', 'b']) target.put(name)
  return [grantingToy(target)]
}

export async function furnishToys(broker: Broker, plugins: readonly AnyPlugin[]): Promise<MatrixWorld> {
  const { admin, database, key } = broker
  const cautious = await startBroker({ plugins, database, key, config: { fourEyes: true } })

  const integration = async () => {
    const body = { name: unique('toys').slice(0, 60), plugin: 'toy', config: TOY_CONFIG, skipTest: true }
    return (await admin.must(admin.post('/api/integrations', body))).id as string
  }
  const integrationId = await integration()
  await admin.must(admin.post(`/api/integrations/${integrationId}/sync`))
  await waitFor('the sync to complete', async () => {
    return (await admin.must(admin.get(`/api/integrations/${integrationId}/sync`))).state === 'completed'
  })
  const { items } = await admin.must(admin.get(`/api/resources?integration=${integrationId}`))

  return {
    broker,
    admin,
    cautious,
    integrationId,
    resourceId: items[0].id,
    integration,
    query: database.query,
    person: async (name, roles = ['member']) => {
      const person = await admin.must(admin.post('/api/users', { name: unique(name), roles }))
      const mint = async (scopes: readonly string[]) => (await ownToken(database, person.id, scopes)).token
      const token = await mint(SCOPES)
      return { ...person, token, api: broker.api(token), with: async (scopes) => broker.api(await mint(scopes)) }
    },
    flow: async (approval, more = {}) =>
      (
        await admin.must(
          admin.post('/api/access-flows', {
            name: unique('flow'),
            integrationId,
            rule: {
              requesters: EVERYBODY,
              resources: [{ paths: ['**'] }],
              permissions: { 'toy-thing': ['play'] },
              maxSeconds: 86_400,
              justification: 'optional',
              approval,
              extensions: { count: 5, maxSeconds: 600 },
              ...more,
            },
          }),
        )
      ).id,
    close: async () => {
      await cautious.close()
      await broker.close()
    },
  }
}

/** One person for each system role, and one without any. */
export async function everyRole(world: MatrixWorld): Promise<Map<string, Somebody>> {
  const people = await Promise.all(
    ['nobody', ...ROLES].map(async (role) => [role, await world.person(role, role === 'nobody' ? [] : [role])] as const),
  )
  return new Map(people)
}
