import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../../dev/vault/free-port.ts'
import { vaultBinary } from '../../../dev/vault/vault-binary.ts'
import { addressOf, type ServerPlan } from '../../../dev/vault/vault-config.ts'
import { endProcess, startProcess } from '../../../dev/vault/vault-process.ts'
import { startVaultServer, type VaultServer } from '../../../dev/vault/vault-server.ts'
import { waitFor } from '../../../dev/vault/vault-wait.ts'
import { minimumPolicy } from '../../../plugins/vault/minimum-policy.ts'
import { BadCalls } from '../../support/bad-calls.ts'
import { type Broker, startBroker } from '../../support/broker.ts'
import { HEALTHY, OddServers } from '../../support/odd-servers.ts'
import { configFor, prepared } from '../../support/vault-broker.ts'

const stops: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const stop of stops.toReversed()) await stop()
})

const token = { method: 'token', token: 'hvs.nobody' }
const oddServers = new OddServers()
const { odd, behindHealth } = oddServers
stops.push(() => oddServers.stop())

const errors = (text: string) => JSON.stringify({ errors: [text] })
/** Well when its health is asked, and this to all else. */
const well = (status: number, text: string) => async () => ({ address: await behindHealth(status, text), timeoutSeconds: 2 })

describe('an integration', () => {
  let broker: Broker
  let vault: VaultServer
  let secure: VaultServer
  let approle: Record<string, unknown>
  let calls: BadCalls
  beforeAll(async () => {
    vault = await startVaultServer()
    stops.push(() => vault.stop())
    secure = await startVaultServer({ tls: true })
    stops.push(() => secure.stop())
    broker = await startBroker()
    stops.push(() => broker.close())
    calls = new BadCalls(broker)
    stops.push(() => calls.close())
    approle = { ...(await prepared(vault)).approle }
    await vault.api('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } })
    await allow(['kv', 'old'])
  })

  function allow(kvMounts: string[]) {
    const { document } = minimumPolicy(configFor(vault.address, { auth: token, kvMounts }))
    return vault.api('PUT', 'sys/policies/acl/latchkey-broker', { policy: document })
  }

  type Case = readonly [what: string, config: () => Promise<Record<string, unknown>>, check: string, says: RegExp, fix: RegExp]

  const CASES: Case[] = [
    [
      'nobody is there',
      async () => ({ address: `http://127.0.0.1:${await freePort()}` }),
      'server',
      /no connection/,
      /check the address/,
    ],
    ['it never answers', async () => ({ address: await odd(() => {}), timeoutSeconds: 1 }), 'server', /no answer in time/, /./],
    [
      'it is not Vault',
      async () => ({
        address: await odd((_, response) =>
          response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome to nginx</h1>'),
        ),
      }),
      'server',
      /not Vault or OpenBao/,
      /correct the address/,
    ],
    [
      'it is a closed door',
      async () => ({ address: await odd((request) => void request.socket.destroy()) }),
      'server',
      /no connection/,
      /./,
    ],
    [
      'its certificate is of nobody we know',
      async () => ({ address: secure.address }),
      'server',
      /certificate was not accepted/,
      /the CA that signed/,
    ],
    [
      'it speaks TLS and is asked in the clear',
      async () => ({ address: secure.address.replace('https', 'http') }),
      'server',
      /./,
      /./,
    ],
    [
      'it does not speak TLS and is asked to',
      async () => ({ address: vault.address.replace('http', 'https') }),
      'server',
      /certificate|connection/,
      /./,
    ],
    [
      'it is a standby without an active node',
      async () => ({
        address: await odd(({ url }, response) =>
          url?.startsWith('/v1/sys/health')
            ? response.writeHead(429).end(JSON.stringify({ ...HEALTHY, standby: true }))
            : response.writeHead(503).end(errors('no active Vault instance found')),
        ),
        timeoutSeconds: 2,
      }),
      'login',
      /standby and no active node/,
      /./,
    ],
    [
      'it is a disaster recovery secondary',
      async () => ({ address: await odd((_, response) => response.writeHead(472).end(JSON.stringify(HEALTHY))) }),
      'logins and writes',
      /disaster recovery/,
      /active cluster/,
    ],
    [
      'it has become a disaster recovery secondary, and its health is not asked there',
      well(400, errors('path disabled in replication DR secondary mode')),
      'login',
      /disaster recovery secondary, which serves nothing until it is promoted/,
      /address of the primary cluster/,
    ],
    [
      'it is a performance standby that cannot forward',
      well(473, '{}'),
      'login',
      /performance standby that cannot serve this/,
      /active node/,
    ],
    [
      'it limits the rate of calls',
      well(429, errors('request path "auth/approle/login": rate limit quota exceeded')),
      'login',
      /quota/,
      /raise the quota/,
    ],
    ['it has a fault of its own', well(500, errors('internal error')), 'login', /fault of its own/, /./],
    [
      'a page of a proxy answers for it',
      async () => ({ address: await behindHealth(200, '<html>sign in</html>', { 'content-type': 'text/html' }) }),
      'login',
      /no JSON/,
      /in front of the server/,
    ],
    [
      'it redirects to a stranger',
      async () => ({ address: await behindHealth(307, '', { location: 'https://elsewhere.example.com/v1/x' }) }),
      'login',
      /redirected to elsewhere\.example\.com/,
      /other nodes/,
    ],
    [
      'its KV mount is of version 1',
      async () => ({ address: vault.address, auth: approle, kvMounts: ['old'] }),
      'mount old',
      /KV|v1|version/i,
      /enable-versioning/,
    ],
    [
      'a mount is missing',
      async () => ({ address: vault.address, auth: approle, kvMounts: ['nowhere'] }),
      'mount nowhere',
      /./,
      /vault secrets enable -path=nowhere/,
    ],
    [
      'a mount is of another kind',
      async () => ({ address: vault.address, auth: approle, kvMounts: ['transit'] }),
      'mount transit',
      /./,
      /./,
    ],
    [
      'the namespace is not there',
      async () => ({ address: vault.address, auth: approle, namespace: 'team' }),
      'login',
      /namespace/,
      /namespace/,
    ],
    [
      'the login is refused',
      async () => ({ address: vault.address, auth: { ...approle, secretId: 'wrong' } }),
      'login',
      /refused|invalid/,
      /./,
    ],
    [
      'the token is no token',
      async () => ({ address: vault.address, auth: { method: 'token', token: 'hvs.\n\u0001ä' } }),
      'login',
      /./,
      /./,
    ],
    [
      'the file with the JWT is missing',
      async () => ({ address: vault.address, auth: { method: 'jwt', file: '/nowhere/jwt' } }),
      'login',
      /\/nowhere\/jwt/,
      /./,
    ],
  ]

  /** Everything in the database but the trail, and of the trail what is more than that something was tried. */
  const kept = async () => {
    const { audit_chain: _links, audit_events: _events, audit_head: _head, ...tables } = await calls.contents()
    const told = await broker.database.query(`select count(*) from audit_events where kind <> 'integration.tested'`)
    return { ...tables, told }
  }

  it.each(CASES)('is not made where %s, and says what to do', async (_, config, check, says, fix) => {
    const before = await kept()
    const body = {
      name: 'prod',
      plugin: 'vault',
      config: { auth: token, kvMounts: ['kv'], transitMounts: ['transit'], ...(await config()) },
    }
    const made = await broker.admin.post('/api/integrations', body)
    expect(made).toMatchObject({
      status: 422,
      body: { code: 'integration.unhealthy', message: expect.stringMatching(says), fix: expect.stringMatching(fix) },
    })
    expect(made.body.message).toContain(`${check}: `)
    expect(await kept()).toEqual(before)
    const tested = await broker.admin.post('/api/integrations/test', { plugin: 'vault', config: body.config })
    const failed = tested.body.checks.filter((one: { status: string }) => one.status === 'failed')
    expect(tested).toMatchObject({ status: 200, body: { healthy: false } })
    expect(failed.map((one: { name: string }) => one.name)).toContain(check)
    expect(await kept()).toEqual(before)
    expect(await broker.database.query(`select kind, subject from due_work where subject like 'int%'`)).toEqual([])
  })

  it('is not made where the server was never initialised', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'latchkey-blank-'))
    const binary = await vaultBinary()
    const { plan, server } = await waitFor('a blank server', async () => {
      const one: ServerPlan = { product: binary.product, mode: 'raft', folder, port: await freePort(), tls: false, audit: false }
      await mkdir(path.join(folder, 'data'), { recursive: true })
      const running = await startProcess(binary, one, 'warn', folder)
      return running && { plan: one, server: running }
    })
    try {
      const made = await broker.admin.post('/api/integrations', {
        name: 'blank',
        plugin: 'vault',
        config: { address: addressOf(plan), auth: token },
      })
      expect(made).toMatchObject({
        status: 422,
        body: { message: expect.stringContaining('never initialised'), fix: expect.stringContaining('operator init') },
      })
    } finally {
      await endProcess(server, 'SIGKILL')
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('is not made with a policy that lacks a line, and gets told the line', async () => {
    const { document } = minimumPolicy(configFor(vault.address, { auth: token }))
    const policy = document.replace(/path "kv\/metadata\/[^}]*\}/, '').replace(/"kv\/metadata\/\*":\s*\{[^}]*\},?/, '')
    expect(policy).not.toBe(document)
    await vault.api('PUT', 'sys/policies/acl/latchkey-broker', { policy })
    const config = { address: vault.address, auth: approle, kvMounts: ['kv'], transitMounts: ['transit'] }
    const made = await broker.admin.post('/api/integrations', { name: 'weak', plugin: 'vault', config })
    await allow(['kv'])
    expect(made).toMatchObject({
      status: 422,
      body: { message: expect.stringContaining('kv/metadata'), fix: expect.stringContaining('kv/metadata') },
    })
    expect(await broker.admin.post('/api/integrations', { name: 'weak', plugin: 'vault', config })).toMatchObject({ status: 201 })
  })

  it('is not made with a CA file that is not there, and names the field', async () => {
    const config = { address: secure.address, caFile: '/nowhere/ca.pem', auth: token }
    const made = await broker.admin.post('/api/integrations', { name: 'no CA', plugin: 'vault', config })
    expect(made).toMatchObject({
      status: 400,
      body: {
        code: 'input.invalid',
        field: expect.stringMatching(/caFile$/),
        message: expect.stringContaining('/nowhere/ca.pem'),
      },
    })
  })

  it('shows no secret of the configuration in any refusal', () => {
    for (const secret of [String(approle['secretId']), token.token]) expect(broker.log.join('')).not.toContain(secret)
  })
})
