import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type DatabaseEngine, databaseEngine } from '../plugins/vault/database-engine.ts'
import { Api } from '../support/api.ts'
import { Canaries, surfacesOf } from '../support/canaries.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { rotationsOf } from '../support/rotations.ts'
import { type PostOffice, startPostOffice } from '../support/smtp.ts'
import { startWorld, type World } from '../support/world.ts'

const CAPABILITIES = [
  'discovery',
  'grants',
  'rotate-secrets',
  'delete-versions',
  'destroy-versions',
  'change-policies',
  'revoke-tokens',
  'rotate-database',
]

describe.each(await serversUnderTest())('the secrets that actions touch on $product', (binary) => {
  const canaries = new Canaries()
  const answers: string[] = []
  let vault: VaultServer
  let world: World
  let engine: DatabaseEngine
  let office: PostOffice
  let receiver: Receiver

  beforeAll(async () => {
    const send = Api.prototype.send
    vi.spyOn(Api.prototype, 'send').mockImplementation(async function (this: Api, ...call) {
      const answer = await send.apply(this, call)
      answers.push(`${answer.status} ${JSON.stringify(answer.headers)} ${answer.text}`)
      return answer
    })
    office = await startPostOffice()
    receiver = await startReceiver()
    vault = await startVaultServer({ binary })
    const from = { name: 'Latchkey', address: 'latchkey@broker.example' }
    const smtp = { host: '127.0.0.1', port: office.port, secure: false, from }
    const settings = { capabilities: CAPABILITIES, policies: ['team-*'] }
    world = await startWorld(vault, { config: { development: true, logLevel: 'trace', smtp }, settings })
    engine = await databaseEngine(vault.api)
    canaries.plant('the engine’s password', engine.engine.password)
    const { admin } = world.broker
    const me = await admin.must(admin.get('/api/me'))
    await admin.must(admin.patch(`/api/users/${me.id}`, { email: 'admin@people.example' }))
    await admin.must(admin.post('/api/webhooks', { name: 'everything', url: receiver.url, events: ['*'] }))
    answers.length = 0 // a webhook's own secret is handed over once
  })
  afterAll(async () => {
    vi.restoreAllMocks()
    await world?.close()
    await engine?.remove()
    await vault?.stop()
    await office?.close()
    await receiver?.close()
  })

  const admin = () => world.broker.admin
  const read = async (path: string) => (await vault.api('GET', `kv/data/${path}`)).body.data
  const put = async (path: string) => {
    const data = { password: canaries.plant(`the password of ${path}`), user: canaries.plant(`the user of ${path}`) }
    expect((await vault.api('POST', `kv/data/${path}`, { data })).status).toBeLessThan(300)
  }
  const over = (id: string) =>
    waitFor('the run to be over', async () => {
      const run = await admin().must(admin().get(`/api/runs/${id}`))
      return ['executed', 'undone', 'failed', 'stuck'].includes(run.state) && run
    })
  /** Shown before, done, looked at from all sides, taken back where that is possible, and looked at again. */
  const carriedOut = async (action: string, input: object, meanwhile: () => Promise<unknown> = async () => {}) => {
    const { integrationId } = world
    const at = `/api/integrations/${integrationId}/actions/${action}/preview`
    const { confirm, reversible } = await admin().must(admin().post(at, { input }))
    const order = { integrationId, action, input, reason: 'a case', ...(confirm && { confirm }) }
    const { id } = await admin().must(admin().post('/api/runs', order))
    expect(await over(id)).toMatchObject({ state: 'executed' })
    await meanwhile()
    const look = async () => {
      for (const what of ['', '/steps', '/receipt']) await admin().must(admin().get(`/api/runs/${id}${what}`))
    }
    await look()
    if (!reversible) return
    await admin().must(admin().get(`/api/runs/${id}/rollback`))
    await admin().must(admin().post(`/api/runs/${id}/rollback`, { reason: 'it was only a case' }))
    await waitFor('it to be undone', async () => (await over(id)).state === 'undone')
    await look()
  }
  const plantNow = (path: string) => async () => {
    const { data } = await read(path)
    canaries.plant(`the new password of ${path}`, data.password)
  }

  it('are those of a KV secret: rotated by a recipe and by a value, deleted, brought back and destroyed', async () => {
    await put('app/db')
    const place = { mount: 'kv', path: 'app/db' }
    const recipe = { ...place, fields: { password: { by: 'recipe', length: 24 } } }
    await carriedOut('rotate-kv-secret', recipe, plantNow('app/db'))
    const value = { ...place, fields: { password: { by: 'value', value: canaries.plant('a value that was typed') } } }
    await carriedOut('rotate-kv-secret', value)
    const { version } = (await read('app/db')).metadata
    await carriedOut('delete-kv-version', { ...place, versions: [version] })
    await carriedOut('destroy-kv-version', { ...place, versions: [1] })
  })

  it('are those of a rotation whose test fails, and of one that fails', async () => {
    await put('app/cache')
    const them = rotationsOf(world.broker, { integrationId: world.integrationId, action: 'rotate-kv-secret' })
    const hook = { name: 'app', url: receiver.url, events: ['rotation.finished'] }
    const { id: webhookId, secret } = await admin().must(admin().post('/api/webhooks', hook))
    answers.splice(0, answers.length, ...answers.filter((answer) => !answer.includes(secret)))
    const typed = canaries.plant('a value that a schedule knows')
    const input = { mount: 'kv', path: 'app/cache', fields: { password: { by: 'value', value: typed } } }
    const { id } = await them.make({ input, test: { webhookId, withinSeconds: 60 } })
    receiver.reply = (response, { body }) => void response.writeHead(body.type === 'rotation.test' ? 500 : 204).end()
    await them.bringUp(id)
    await waitFor('it to be tested', async () => (await them.get(id)).last?.state === 'testing')
    expect((await read('app/cache')).data.password).toBe(typed)
    await world.broker.database.query(`update rotation_turns set tested_since = tested_since - interval '1 hour'`)
    await them.settled(id, 'undone')
    receiver.reply = 204
    await vault.api('POST', 'kv/metadata/app/cache', { max_versions: 1 })
    await them.bringUp(id)
    await them.settled(id, 'refused')
    await admin().must(admin().get(`/api/rotations/${id}/turns`))
  })

  it('are those of a token, of database users and of what a policy speaks of', async () => {
    const { auth } = (await vault.api('POST', 'auth/token/create', { policies: ['default'] })).body
    canaries.plant('a token that is revoked', auth.client_token)
    await carriedOut('revoke-token', { accessor: auth.accessor })
    const password = async () => (await vault.api('GET', 'database/static-creds/app')).body.data.password
    canaries.plant('the old password of a static role', await password())
    await carriedOut('rotate-database-credentials', { role: 'app' })
    canaries.plant('the new password of a static role', await password())
    await carriedOut('rotate-database-credentials', { connection: 'main' })
    await vault.api('POST', 'sys/policies/acl/team-a', { policy: 'path "kv/data/app/db" { capabilities = ["read"] }' })
    await carriedOut('update-policy', { name: 'team-a', document: 'path "kv/data/app/*" { capabilities = ["read"] }' })
  })

  it('are in no plan, journal, log, answer, trail, metric, letter or webhook', async () => {
    await waitFor('everybody to be told', async () => {
      const [left] = await world.broker.database.query(
        `select 1 from notification_deliveries where state = 'waiting'
         union select 1 from notification_cursor c where c.seq < (select max(seq) from audit_chain)`,
      )
      return left === undefined
    })
    const places = await surfacesOf(world.broker)
    places.set('the answers', answers.join('\n'))
    places.set('the letters', office.letters.map(({ raw, plain, html }) => `${raw}\n${plain}\n${html}`).join('\n'))
    places.set('the webhooks', receiver.received.map(({ headers, text }) => `${JSON.stringify(headers)} ${text}`).join('\n'))
    expect(office.letters.length).toBeGreaterThan(5)
    expect(receiver.received.length).toBeGreaterThan(20)
    expect(canaries.size).toBeGreaterThan(9)
    expect(canaries.leaksIn(places)).toEqual([])
    // It would be found, were it there.
    places.set('a letter', `the new one is ${canaries.plant('what is told')}`)
    expect(canaries.leaksIn(places)).toHaveLength(1)
  })
})
