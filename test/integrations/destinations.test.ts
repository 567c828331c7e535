import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { rootCertificates } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { Sealer } from '../../src/platform/sealing/sealing.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { prepared } from '../support/vault-broker.ts'

/** A server of somebody's choice: it writes down what it is told, and knows nothing. */
class Elsewhere {
  readonly heard: string[] = []
  private readonly server: Server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      this.heard.push(`${request.url} ${JSON.stringify(request.headers)} ${Buffer.concat(pieces)}`)
      const isHealth = request.url?.startsWith('/v1/sys/health') === true
      response.writeHead(isHealth ? 200 : 404, { 'content-type': 'application/json' })
      response.end(isHealth ? HEALTHY : '{"errors":[]}')
    })
  })

  address = ''

  async start(): Promise<this> {
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    this.address = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
    return this
  }

  stop(): void {
    this.server.closeAllConnections()
    this.server.close()
  }
}

const HEALTHY = JSON.stringify({ initialized: true, sealed: false, standby: false, version: '1.21.1', cluster_name: 'elsewhere' })
const JWT = ['{"alg":"none"}', '{"sub":"broker"}', 'signature'].map((part) => Buffer.from(part).toString('base64url')).join('.')

let vault: VaultServer
let broker: Broker
let elsewhere: Elsewhere
let lentTo: Elsewhere
let folder: string
let jwtFile: string
let approle: { method: 'approle'; roleId: string; secretId: string }

beforeAll(async () => {
  vault = await startVaultServer()
  approle = (await prepared(vault)).approle
  elsewhere = await new Elsewhere().start()
  lentTo = await new Elsewhere().start()
  folder = await mkdtemp(path.join(os.tmpdir(), 'latchkey-files-'))
  jwtFile = path.join(folder, 'jwt')
  await writeFile(jwtFile, JWT)
  await writeFile(path.join(folder, 'not-lent'), JWT)
  await writeFile(path.join(folder, 'no-jwt'), 'root:x:0:0')
  broker = await startBroker({ config: { integrationFiles: lent() } })
})
afterAll(async () => {
  await broker.close()
  await vault.stop()
  elsewhere.stop()
  lentTo.stop()
  await rm(folder, { recursive: true })
})
beforeEach(() => {
  elsewhere.heard.length = 0
  lentTo.heard.length = 0
})

const lent = () => [
  { path: jwtFile, address: lentTo.address },
  { path: path.join(folder, 'no-jwt'), address: lentTo.address },
  { path: path.join(folder, 'missing'), address: lentTo.address },
]

const common = { kvMounts: ['kv'], transitMounts: ['transit'], timeoutSeconds: 5 }
const byJwt = (address: string, file: string, more: object = {}) => ({
  address,
  ...common,
  auth: { method: 'jwt', role: 'broker', file },
  ...more,
})
const test = (config: object) => broker.admin.post('/api/integrations/test', { plugin: 'vault', config })
const save = (name: string, config: object) =>
  broker.admin.post('/api/integrations', { name, plugin: 'vault', config, skipTest: true })

async function wrappedSecretId(): Promise<string> {
  const headers = { 'x-vault-wrap-ttl': '300' }
  const { body } = await vault.api('POST', 'auth/approle/role/latchkey/secret-id', {}, headers)
  return body.wrap_info.token
}

describe('the broker’s login at a target', () => {
  it('that lies in a file goes to no address the operator did not lend it to, by trial or by change', async () => {
    expect(await test(byJwt(elsewhere.address, jwtFile))).toMatchObject({ status: 200, body: { healthy: false } })
    const { body } = await save('by file', byJwt(lentTo.address, jwtFile))
    const moved = await broker.admin.patch(`/api/integrations/${body.id}`, { config: byJwt(elsewhere.address, jwtFile) })
    expect(moved).toMatchObject({ status: 422 })
    await broker.admin.patch(`/api/integrations/${body.id}`, { config: byJwt(elsewhere.address, jwtFile), skipTest: true })
    await broker.admin.post(`/api/integrations/${body.id}/health`)
    expect(elsewhere.heard.join('\n')).not.toContain(JWT)
    await test(byJwt(lentTo.address, jwtFile))
    expect(lentTo.heard.join('\n')).toContain(JWT)
  })

  it('that lies in a file goes by no proxy and to no certificate of an admin’s choice', async () => {
    for (const [field, value] of [
      ['proxy', elsewhere.address],
      ['caPem', rootCertificates[0]],
    ] as const) {
      const { status, body } = await test(byJwt(lentTo.address, jwtFile, { [field]: value }))
      expect({ status, field: body.field }).toEqual({ status: 400, field: `config.${field}` })
    }
    const redirected = await test(byJwt(lentTo.address, jwtFile, { redirectHosts: [new URL(elsewhere.address).host] }))
    expect(redirected.body).toMatchObject({ healthy: false })
    expect([...elsewhere.heard, ...lentTo.heard].join('\n')).not.toContain(JWT)
  })

  it('says the same of every file it cannot use, whatever there is', async () => {
    const files = ['not-lent', 'no-jwt', 'missing', 'missing-and-not-lent'].map((name) => path.join(folder, name))
    const answers = await Promise.all(
      [...files, '/etc/shadow', '/proc/self/environ'].map(async (file) => {
        const { body } = await test(byJwt(lentTo.address, file))
        return JSON.stringify(body.checks).replaceAll(file, 'FILE')
      }),
    )
    expect(new Set(answers).size).toBe(1)
    const authorities = await Promise.all(
      [...files, '/etc/shadow'].map(async (caFile) => {
        const { body } = await test({ address: lentTo.address, ...common, caFile, auth: { method: 'token', token: 'x' } })
        return JSON.stringify([body.message, body.fix, body.field]).replaceAll(caFile, 'FILE')
      }),
    )
    expect(new Set(authorities).size).toBe(1)
    expect(lentTo.heard.join('\n')).not.toContain('root:x')
  })

  it('that came wrapped is given out again only for the server that unwrapped it', async () => {
    const wrapped = await wrappedSecretId()
    const auth = { method: 'approle', roleId: approle.roleId, wrappedSecretId: wrapped }
    const { body } = await broker.admin.post('/api/integrations', {
      name: 'wrapped',
      plugin: 'vault',
      config: { address: vault.address, ...common, auth },
    })
    expect(body).toMatchObject({ health: { healthy: true } })
    const change = { config: { address: elsewhere.address, ...common, auth } }
    expect((await broker.admin.patch(`/api/integrations/${body.id}`, change)).status).toBe(422)
    await broker.admin.patch(`/api/integrations/${body.id}`, { ...change, skipTest: true })
    await broker.admin.post(`/api/integrations/${body.id}/health`)
    expect(elsewhere.heard.join('\n')).toContain('sys/wrapping/')
    expect(elsewhere.heard.join('\n')).not.toContain('secret_id')
    const back = { config: { address: vault.address, ...common, auth } }
    expect((await broker.admin.patch(`/api/integrations/${body.id}`, back)).body.code).toBe('integration.unhealthy')
  })

  it('stays where it is when the database says another address, and can be given again', async () => {
    const config = { address: vault.address, ...common, auth: approle }
    for (const [field, value] of [
      ['{address}', elsewhere.address],
      ['{proxy}', elsewhere.address],
      ['{caPem}', rootCertificates[0]],
      ['{redirectHosts}', [new URL(elsewhere.address).host]],
      ['{auth,mount}', 'evil'],
    ] as const) {
      const { id } = (await save(`moved ${field.replaceAll(/\W/g, ' ')}`.trim(), config)).body
      await broker.database.query(
        'update integrations set config = jsonb_set(config, $2, $3), version = version + 1 where id = $1',
        [id, field, JSON.stringify(value)],
      )
      // A client that is open already goes on for a moment, to where it went.
      await vi.waitFor(async () => {
        const look = await broker.admin.post(`/api/integrations/${id}/health`)
        expect(look).toMatchObject({
          status: 503,
          body: { code: 'unavailable', fix: expect.stringContaining('enter the value') },
        })
      }, 5_000)
      expect(elsewhere.heard.join('\n')).not.toContain(approle.secretId)
      expect((await broker.admin.patch(`/api/integrations/${id}`, { config })).body).toMatchObject({ health: { healthy: true } })
    }
  })
})

describe('a secret that was sealed before destinations were bound', () => {
  const place = (id: string) => ({ table: 'integrations', row: id, column: 'sealed' })
  const secrets = () => JSON.stringify([[['auth', 'secretId'], approle.secretId]])

  async function older(key: Buffer, name: string): Promise<{ id: string; free: string }> {
    const { id } = (await save(name, { address: vault.address, ...common, auth: approle })).body
    const free = new Sealer(key).seal(secrets(), place(id))
    await broker.database.query('update integrations set sealed = $2 where id = $1', [id, free])
    return { id, free }
  }

  it('is bound at the start to where it goes now, once, and the trail says so', async () => {
    const { id, free } = await older(broker.key, 'older')
    const again = () => startBroker({ database: broker.database, key: broker.key })
    const second = await again()
    expect((await second.admin.post(`/api/integrations/${id}/health`)).body).toMatchObject({ healthy: true })
    await second.close()
    const bound = await broker.admin.get(`/api/audit?kind=integration.bound&subject=${id}`)
    expect(bound.body.items).toMatchObject([{ actor: 'broker', data: { destination: { address: vault.address } } }])
    await broker.database.query(
      `update integrations set sealed = $2, config = jsonb_set(config, '{address}', $3) where id = $1`,
      [id, free, JSON.stringify(elsewhere.address)],
    )
    const third = await again()
    expect(await third.admin.post(`/api/integrations/${id}/health`)).toMatchObject({ status: 503 })
    await third.close()
    expect(elsewhere.heard.join('\n')).not.toContain(approle.secretId)
  })
})

describe('a trial of a configuration', () => {
  it('is in the trail before anything leaves, with the place it goes to and without a secret', async () => {
    const secretId = randomBytes(16).toString('hex')
    await test({ address: elsewhere.address, ...common, auth: { method: 'approle', roleId: 'r', secretId } })
    await broker.admin.post('/api/integrations', {
      name: 'refused',
      plugin: 'vault',
      config: { address: elsewhere.address, ...common, auth: { method: 'approle', roleId: 'r', secretId } },
    })
    const { body } = await broker.admin.get('/api/audit?kind=integration.tested&limit=2')
    expect(body.items).toHaveLength(2)
    for (const item of body.items) {
      expect(item.data).toMatchObject({ plugin: 'vault', destination: { address: elsewhere.address, 'auth.method': 'approle' } })
      expect(JSON.stringify(item)).not.toContain(secretId)
    }
  })

  it('goes to no new place on one person’s word while changes wait for a second', async () => {
    const anywhere = await new Elsewhere().start()
    const careful = await startBroker({
      config: { fourEyes: true, integrationFiles: lent() },
      database: broker.database,
      key: broker.key,
    })
    try {
      const known = { address: vault.address, ...common, auth: approle }
      await save('known', known)
      const tried = (config: object) => careful.admin.post('/api/integrations/test', { plugin: 'vault', config })
      expect(await tried({ ...known, address: anywhere.address })).toMatchObject({
        status: 409,
        body: { code: 'conflict', fix: expect.stringContaining('propose') },
      })
      expect(await tried({ ...known, namespace: 'team' })).toMatchObject({ status: 409 })
      expect(anywhere.heard).toEqual([])
      expect(await tried(known)).toMatchObject({ status: 200, body: { healthy: true } })
    } finally {
      await careful.close()
      anywhere.stop()
    }
  })
})
