import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import type { AnyPlugin } from '../../src/sdk/index.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { TOY_PASSWORD, ToyTarget, toyPlugin } from '../support/toy-plugin.ts'

let broker: Broker
beforeAll(async () => {
  broker = await startBroker({ plugins: [toyPlugin(new ToyTarget())] })
})
afterAll(() => broker.close())

describe('the catalog', () => {
  it('lists the plugins with their form, in which secrets are write-only', async () => {
    const { body } = await broker.admin.get('/api/catalog')
    expect(body.items).toMatchObject([
      { id: 'toy', offers: { discovery: true, grants: false, sweep: false, minimumPolicy: true } },
    ])
    const [password] = body.items[0].config.properties.login.oneOf
    expect(password.properties.password).toMatchObject({ type: 'string', writeOnly: true })
  })

  it('says what to set up in the target before anybody has a secret', async () => {
    const config = { address: 'toybox', login: { method: 'password' } }
    const { status, body } = await broker.admin.post('/api/catalog/toy/minimum-policy', { config })
    expect({ status, body }).toEqual({ status: 200, body: { document: 'allow toybox 3', commands: ['toy allow toybox'] } })
    const wrong = await broker.admin.post('/api/catalog/toy/minimum-policy', { config: { login: { method: 'password' } } })
    expect(wrong.body).toMatchObject({ status: 400, field: 'config.address' })
  })

  it('answers 404 for a plugin it does not have', async () => {
    expect((await broker.admin.get('/api/catalog/nothing')).body).toMatchObject({ status: 404, code: 'not_found' })
  })

  it.each([
    ['two plugins with one id', [toyPlugin(new ToyTarget()), toyPlugin(new ToyTarget())], /plugin toy exists twice/],
    [
      'a manifest without a name',
      [{ ...toyPlugin(new ToyTarget()), manifest: { id: 'odd', sdk: 1 } }],
      /plugin "odd": manifest\.name/,
    ],
    [
      'an action with neither an undo nor a reason',
      [{ ...toyPlugin(new ToyTarget()), actions: [{ name: 'smash' }] }],
      /smash has neither/,
    ],
  ])('does not start with %s', async (_case, plugins, reason) => {
    const { database, key } = broker
    const { readConfig } = await import('../../src/config/read-config.ts')
    const config = { ...readConfig({ LATCHKEY_PORT: '0' }), logLevel: 'silent' as const }
    const state = { dir: config.stateDir, instance: '4711081542', key }
    const starting = createApp({ config, databaseUrl: database.url, state, plugins: plugins as AnyPlugin[] })
    await expect(starting).rejects.toThrow(reason)
  })
})

describe('an integration', () => {
  it('has a name of letters, digits, spaces, _ and -, and a refusal says so', async () => {
    const body = {
      plugin: 'toy',
      config: { address: 'toybox', login: { method: 'password', password: TOY_PASSWORD } },
      skipTest: true,
    }
    const { id } = await broker.admin.must(broker.admin.post('/api/integrations', { ...body, name: 'Vault_2 of the north-east' }))
    for (const name of ['a/b', 'näher', '-toys', 'toys.', '“toys”', 'toys\u200b', 'x'.repeat(64), ' ']) {
      for (const refused of [
        await broker.admin.post('/api/integrations', { ...body, name }),
        await broker.admin.patch(`/api/integrations/${id}`, { name }),
      ]) {
        expect(refused.body, name).toMatchObject({ status: 400, code: 'input.invalid', field: 'name' })
        expect(refused.text).toContain('1 to 63 letters, digits, spaces, _ or -, and begin with a letter or a digit')
      }
    }
    expect((await broker.admin.get(`/api/integrations/${id}`)).body.name).toBe('Vault_2 of the north-east')
  })
})
