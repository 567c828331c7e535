import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { rootCertificates } from 'node:tls'
import { Logger } from '@nestjs/common'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort } from '../../dev/vault/free-port.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { minimumPolicy } from '../../plugins/vault/minimum-policy.ts'
import { type Answer, Api } from '../support/api.ts'
import { Canaries, surfacesOf } from '../support/canaries.ts'
import { configFor } from '../support/vault-broker.ts'
import { startWorld, type World } from '../support/world.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const canaries = new Canaries()
const plant = (what: string, value?: string) => canaries.plant(what, value)
/** Everything the API answered, but for the one answer that hands something over: it is in `handedOver` without it. */
const answers: string[] = []
const printed: string[] = []
let vault: VaultServer
let world: World
let folder: string
/** an address that does not answer */
let nobodyThere: string

const lent = () =>
  ['jwt', 'no-jwt'].flatMap((name) => [vault.address, nobodyThere].map((address) => ({ path: path.join(folder, name), address })))

beforeAll(async () => {
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...words) => void printed.push(words.map(String).join(' ')))
  }
  const send = Api.prototype.send
  vi.spyOn(Api.prototype, 'send').mockImplementation(async function (this: Api, method, where, body, extras) {
    const answer = await send.call(this, method, where, body, extras)
    answers.push(shown(method, where, answer))
    return answer
  })
  folder = await mkdtemp(path.join(os.tmpdir(), 'lk-canary-'))
  nobodyThere = `https://127.0.0.1:${await freePort()}`
  vault = await startVaultServer()
  const settings = { deliveries: ['token', 'password'], timeoutSeconds: 3 }
  world = await startWorld(vault, { config: { logLevel: 'trace', integrationFiles: lent() }, settings })
  plant('the root token of the server', vault.rootToken)
  plant('the unseal key', vault.unsealKey)
  plant('the key of the installation', world.broker.key.toString('base64'))
  plant('the key of the installation in hex', world.broker.key.toString('hex'))
  for (const where of ['app/db', 'app/cache', 'app/db/replica', 'team/payments/stripe']) {
    await vault.api('POST', `kv/data/${where}`, {
      data: { password: plant(`the value of kv/${where}`), user: plant(`another value of kv/${where}`) },
    })
  }
  for (const [who, token] of [
    ['the admin', world.broker.adminToken],
    ['alice', world.alice.token],
    ['bob', world.bob.token],
  ]) {
    plant(`the API token of ${who}`, token)
  }
})

afterAll(async () => {
  vi.restoreAllMocks()
  await world?.close()
  await vault?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** An answer as it may be looked through: what it was asked to hand over is planted, and taken out of this one answer. */
function shown(method: string, where: string, { status, headers, text, body }: Answer): string {
  const handed: [string, string][] = []
  if (method === 'POST' && /^\/api\/grants\/\w+\/open$/.test(where) && status === 200) {
    const secret = /token|password/i
    for (const { name, value } of body.fields) if (secret.test(name)) handed.push([`the ${name} of a ${body.delivery}`, value])
  }
  if (method === 'POST' && where === '/api/tokens' && status === 201) handed.push(['an API token', body.token])
  for (const [what, value] of handed) plant(what, value)
  const rest = handed.reduce((left, [, value]) => left.replace(JSON.stringify(value), '""'), text)
  return `${method} ${where.split('?')[0]} ${status} ${JSON.stringify(headers)} ${rest}`
}

async function surfaces(): Promise<Map<string, string>> {
  const said = [['the console', printed.join('\n')] as const, ['the answers', answers.join('\n')] as const]
  return new Map([...said, ...(await surfacesOf(world.broker))])
}

const leaks = async () => canaries.leaksIn(await surfaces())

const jwtOf = (claim: string) =>
  ['{"alg":"none"}', JSON.stringify({ claim }), claim].map((part) => Buffer.from(part).toString('base64url')).join('.')

describe('a secret', () => {
  it('of a configuration is tried, refused, saved and changed', async () => {
    const { admin } = world.broker
    const jwt = jwtOf(plant('a claim in the JWT'))
    await writeFile(path.join(folder, 'jwt'), plant('the JWT', jwt))
    await writeFile(path.join(folder, 'no-jwt'), plant('what a file holds that is no JWT'))
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    plant('a line of the private key', pem.split('\n')[1]!)
    const logins = () => [
      { method: 'approle', roleId: 'nobody', secretId: plant('a wrong secret_id') },
      { method: 'approle', roleId: 'nobody', wrappedSecretId: plant('a wrong wrapping token') },
      {
        method: 'approle',
        roleId: 'nobody',
        wrappedSecretId: plant('a wrapping token of its kind', `hvs.${randomBytes(60).toString('base64url')}`),
      },
      { method: 'token', token: plant('a wrong token') },
      { method: 'token', token: plant('a token that no header takes', `canary-${randomBytes(12).toString('hex')}\nx: ä`) },
      { method: 'jwt', role: 'nobody', file: path.join(folder, 'jwt') },
      { method: 'jwt', role: 'nobody', file: path.join(folder, 'no-jwt') },
      { method: 'cert', certificatePem: rootCertificates[0], privateKeyPem: pem },
      { method: 'cert', certificatePem: rootCertificates[0], privateKeyPem: plant('a private key that is none') },
    ]
    const addresses = [vault.address, nobodyThere]
    let made = 0
    for (const address of addresses) {
      for (const auth of logins()) {
        const config = { address, kvMounts: ['kv'], transitMounts: ['transit'], timeoutSeconds: 1, auth }
        await admin.post('/api/integrations/test', { plugin: 'vault', config })
        await admin.post('/api/integrations', { name: 'refused', plugin: 'vault', config })
        await admin.post('/api/catalog/vault/minimum-policy', { config })
        made += 1
        const saved = await admin.post('/api/integrations', { name: `saved ${made}`, plugin: 'vault', config, skipTest: true })
        if (saved.status !== 201) continue
        const one = `/api/integrations/${saved.body.id}`
        await admin.post(`${one}/health`)
        await admin.patch(one, {
          config: { ...config, auth: { method: 'token', token: plant('a token after a change') } },
          skipTest: true,
        })
        await admin.get(one)
        await admin.get(`${one}/minimum-policy`)
        await admin.post(`${one}/sync`)
        await admin.delete(one)
      }
    }
    expect(made).toBe(18)
  })

  it('in a place where none belongs is refused without being repeated', async () => {
    const { admin } = world.broker
    const withPassword = (what: string) => `http://user:${plant(what)}@127.0.0.1:1`
    const auth = { method: 'token', token: plant('a token beside a mistake') }
    const configs = [
      { address: withPassword('a password in the address'), auth },
      { address: vault.address, auth, proxy: withPassword('a password in the proxy') },
      {
        address: vault.address,
        auth,
        caPem: `-----BEGIN CERTIFICATE-----\n${plant('what a CA certificate is not')}\n-----END CERTIFICATE-----`,
      },
      { address: vault.address, auth: { ...auth, secret_id: plant('a value of an unknown field') } },
      { address: vault.address, auth: { method: plant('a secret as the method') } },
      { address: vault.address, auth: plant('a secret instead of a login') },
      { address: plant('a secret as the address'), auth },
      { address: vault.address, auth: { method: 'token', token: { value: plant('a secret one level down') } } },
      { address: vault.address, auth, timeoutSeconds: plant('a secret as a number') },
    ]
    for (const config of configs) {
      for (const where of ['/api/integrations', '/api/integrations/test', '/api/catalog/vault/minimum-policy']) {
        const body = where.endsWith('policy')
          ? { config }
          : { plugin: 'vault', config, ...(where.endsWith('s') && { name: 'x' }) }
        const { status } = await admin.post(where, body)
        // The advice on policies needs no secret, so it does not mind what stands there.
        expect(status, JSON.stringify(config)).toSatisfy((one) => one === 400 || (one === 200 && where.endsWith('policy')))
      }
    }
    await admin.post('/api/users', undefined, { raw: `{"name":"x","password":"${plant('a body that is cut off')}` })
    await admin.post('/api/users', undefined, { raw: plant('a body that is no JSON') })
    await admin.post('/api/users', undefined, { raw: plant('a body of another type'), headers: { 'content-type': 'text/plain' } })
    await admin.post('/api/users', { name: { first: plant('a secret as a name') } })
    await admin.get(`/api/users?cursor=${plant('a secret as a cursor')}`)
    await admin.get(`/api/me?token=${plant('a token in a query')}`)
    await world.broker.api(plant('a made-up API token')).get('/api/me')
    await world.broker
      .api(plant('a made-up API token of its kind', `lk_${randomBytes(32).toString('hex').slice(0, 43)}`))
      .get('/api/me')
    const headers = {
      cookie: `sid=${plant('a cookie')}`,
      'x-vault-token': plant('a header'),
      authorization: `Basic ${plant('a basic credential')}`,
    }
    await world.broker.api().get('/api/me', { headers })
  })

  it('of a person is lent, used, taken back and reported', async () => {
    const { alice, bob, broker } = world
    const password = await world.flow({ delivery: 'password' })
    const asked = await world.flow({
      approval: { kind: 'approvers', users: [bob.id], groups: [], needed: 1 },
      extensions: { count: 1, maxSeconds: 600 },
    })
    const held: string[] = []
    for (const ask of [
      {},
      { flowId: password.id, name: 'kv/app/cache' },
      { name: 'kv/team/payments/stripe' },
      { name: 'transit/orders', type: 'vault-transit-key', permissions: ['encrypt'] },
    ]) {
      held.push(await world.grant(alice, ask))
    }
    const request = await world.request(alice, { flowId: asked.id, name: 'kv/app/db/replica' })
    await bob.api.must(bob.api.post(`/api/access-requests/${request.id}/approvals`, { decision: 'approve' }))
    const { grantId } = (await alice.api.get(`/api/access-requests/${request.id}`)).body
    await world.until(alice, grantId, 'active')
    held.push(grantId)
    for (const grant of held) {
      for (let times = 0; times < 2; times += 1) {
        const { token } = await world.open(alice, grant)
        if (token) plant('the token of a grantee', token)
        await alice.api.get(`/api/grants/${grant}/credential`)
      }
      for (const what of ['', '/steps', '/receipt', '/credential']) await broker.admin.get(`/api/grants/${grant}${what}`)
    }
    await alice.api.post(`/api/grants/${grantId}/extend`, { seconds: 60 })
    const [first, second, third, fourth] = held as [string, string, string, string]
    await vault.seal()
    for (const grant of held) await alice.api.post(`/api/grants/${grant}/open`)
    await broker.admin.post(`/api/integrations/${world.integrationId}/health`)
    await vault.unseal()
    const own = 'sys/policies/acl/latchkey-broker'
    await vault.api('PUT', own, { policy: '{"path":{}}' })
    await alice.api.post(`/api/grants/${first}/open`)
    const { document } = minimumPolicy(configFor(vault.address, { auth: { method: 'token', token: '-' } }))
    await vault.api('PUT', own, { policy: document })
    await alice.api.must(alice.api.post(`/api/grants/${first}/give-back`))
    await alice.api.must(alice.api.post(`/api/grants/${second}/report`, { note: 'not me' }))
    await broker.admin.must(broker.admin.post(`/api/grants/${third}/revoke`, { reason: 'enough' }))
    await broker.database.query(`update grants set begins_at = now() - interval '2 hours', expires_at = now() where id = $1`, [
      fourth,
    ])
    await broker.database.query(`update due_work set run_at = now(), version = version + 1 where subject = $1`, [fourth])
    for (const grant of [first, second, third, fourth]) {
      await world.until(alice, grant, /^(revoked|expired)$/, 60_000)
      await alice.api.must(alice.api.get(`/api/grants/${grant}/receipt`))
    }
    await broker.admin.post(`/api/integrations/${world.integrationId}/sweep`)
    await broker.admin.post(`/api/integrations/${world.integrationId}/sync`)
    await broker.admin.post('/api/audit/verify')
  })

  it('is in the broker’s hands while the database fails', async () => {
    const { admin, database } = world.broker
    const grant = await world.grant(world.alice, { name: 'kv/app/cache' })
    const config = { address: vault.address, auth: { method: 'token', token: plant('a token when the table is gone') } }
    for (const table of ['integrations', 'openings', 'api_tokens', 'audit_events', 'due_work']) {
      await database.query(`alter table ${table} rename to elsewhere`)
      await admin.post('/api/integrations', { name: 'unlucky', plugin: 'vault', config, skipTest: true })
      await admin.post('/api/tokens', { name: 'unlucky', scopes: ['read'], expiresInSeconds: 60 })
      await world.alice.api.post(`/api/grants/${grant}/open`)
      await database.query(`alter table elsewhere rename to ${table}`)
    }
    await waitFor(
      'the grant to be opened',
      async () => (await world.alice.api.post(`/api/grants/${grant}/open`)).status === 200,
      60_000,
    )
    expect(answers.filter((answer) => / 500 /.test(answer.slice(0, 120))).length).toBeGreaterThan(2)
  })

  it('is found in no log line, row, answer, metric or export: not one of more than forty', async () => {
    expect(canaries.size).toBeGreaterThan(60)
    expect(world.broker.log.some((line) => line.includes('"level":20') || line.includes('"level":10'))).toBe(true)
    expect(world.broker.log.some((line) => line.includes('"level":50'))).toBe(true)
    expect(answers.length).toBeGreaterThan(250)
    expect([...new Set(await leaks())]).toEqual([])
  })

  it('of the server’s making, such as the broker’s own token, is nowhere either', async () => {
    // A part of a sealed text may end in such a letter, behind a hyphen.
    for (const [place, text] of await surfaces())
      expect(text.match(/(?<![\w-])(?:hv[sbr]|[sbr])\.[\w-]{20,}|\blk_[0-9A-Za-z]{43}\b/g), place).toBeNull()
  })

  // Last: it plants what the tests before must not find.
  it('would be found, were it logged, stored, printed or answered', async () => {
    const { broker } = world
    new Logger('Careless').warn({ config: { secretId: plant('what is logged') } }, 'oh')
    new Logger('Careless').error({ error: new Error(`refused ${encodeURIComponent(plant('what an error says'))}`) }, 'oh')
    console.warn(plant('what is printed').slice(0, 20))
    const stored = Buffer.from(`x${plant('what is stored')}`).toString('base64')
    await broker.database.query(`update integrations set access_details = $1 where id = $2`, [stored, world.integrationId])
    await broker.admin.post('/api/users', { name: plant('what is answered') })
    const found = (await leaks()).join('\n')
    for (const what of ['is logged', 'an error says', 'is printed', 'is stored', 'is answered'])
      expect(found).toContain(`what ${what}`)
    expect(found).toMatch(/what is stored \(\d+\) is in table integrations/)
    expect(found).toMatch(/what is answered \(\d+\) is in the answers/)
  })
})
