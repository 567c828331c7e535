import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ApiClient, bearer, ChangeHeld } from '../../src/api-client/api-client.ts'
import { integrations } from '../../src/contract/endpoints/integrations.ts'
import { myself, tokens, users } from '../../src/contract/endpoints/people.ts'
import { Secret } from '../../src/sdk/index.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { TOY_PASSWORD, ToyTarget, toyPlugin } from '../support/toy-plugin.ts'

describe('the client of the API', () => {
  let broker: Broker
  let client: ApiClient
  beforeAll(async () => {
    broker = await startBroker({ plugins: [toyPlugin(new ToyTarget())], config: { fourEyes: true } })
    client = new ApiClient(broker.url, bearer(new Secret(broker.adminToken)))
  })
  afterAll(() => broker?.close())

  it('calls as the table of endpoints says, and answers what the endpoint answers', async () => {
    const made = await client.call(users.create, { body: { name: 'ann of/the?post', roles: ['member'] } })
    expect(made).toMatchObject({ name: 'ann of/the?post', state: 'active' })
    expect((await client.call(users.get, { params: { id: made.id } })).id).toBe(made.id)
    const { id } = await client.call(tokens.create, { body: { name: 'short', scopes: ['read'], expiresInSeconds: 60 } })
    expect(await client.call(tokens.revoke, { params: { id } })).toBeNull()
    expect((await client.call(myself.get)).roles).toContain('admin')
  })

  it('reads a list to its end, page by page', async () => {
    for (const name of ['bea', 'cleo', 'dora']) await client.call(users.create, { body: { name, roles: ['member'] } })
    const names: string[] = []
    for await (const one of client.each(users.list, { query: { limit: 1 } })) names.push(one.name)
    expect(names).toEqual(expect.arrayContaining(['bea', 'cleo', 'dora']))
    expect(new Set(names).size).toBe(names.length)
  })

  it('says of a change that waits for a second person which proposal it is, and passes on what is refused', async () => {
    const config = { address: 'toybox', login: { method: 'password', password: TOY_PASSWORD } }
    const held = await client.call(integrations.create, { body: { name: 'toys', plugin: 'toy', config } }).catch((error) => error)
    expect(held).toBeInstanceOf(ChangeHeld)
    expect(held.proposal).toMatchObject({ id: expect.stringMatching(/^prp_/), state: 'open' })
    await expect(client.call(users.get, { params: { id: '../me' } })).rejects.toMatchObject({ code: 'input.invalid' })
  })
})
