import { generateKeyPairSync, sign } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { files } from '../../../dev/vault/vault-config.ts'
import { startVaultServer, type VaultServer } from '../../../dev/vault/vault-server.ts'
import { waitFor } from '../../../dev/vault/vault-wait.ts'
import { Secret } from '../../../src/sdk/index.ts'
import { connected, type PreparedVault, timesAsked } from '../../support/vault-broker.ts'
import { NAMES, serverHere } from './connections.ts'

const LOGIN = 'auth/approle/login'
const never = new AbortController().signal

describe.each(await serversUnderTest())('the broker’s connection to a $product $version', (binary) => {
  let server: VaultServer
  let approle: PreparedVault['approle']
  serverHere(binary, (started, login) => {
    server = started
    approle = login
  })

  const logins = () => timesAsked(server, LOGIN)
  const revoke = (token: Pick<Secret, 'reveal'>) => server.api('POST', 'auth/token/revoke', { token: token.reveal() })

  it('sends nothing until it is used, then logs in once for fifty callers', async () => {
    const before = await logins()
    const { client } = await connected(server.address, { auth: approle })
    expect(client.session.status()).toMatchObject({ ok: true, detail: 'not logged in yet' })
    expect(await logins()).toBe(before)
    const answers = await Promise.all(Array.from({ length: 50 }, () => client.call(NAMES)))
    expect(answers.every((answer) => answer.status === 404)).toBe(true)
    expect(await logins()).toBe(before + 1)
    await client.close()
  })

  it('logs in once more when its token dies under its feet, and loses no call', async () => {
    const { client } = await connected(server.address, { auth: approle })
    await revoke(await client.session.token())
    const before = await logins()
    await Promise.all(Array.from({ length: 20 }, () => client.call(NAMES)))
    expect(await logins()).toBe(before + 1)
    await client.close()
  })

  it('names the line to add when a capability is missing, and logs in again for it once in minutes', async () => {
    const { client, turn } = await connected(server.address, { auth: approle })
    await client.session.token()
    const before = await logins()
    await expect(client.call({ method: 'GET', path: ['kv/data', 'app/db'] })).rejects.toMatchObject({
      code: 'target.denied',
      fix: 'add to the broker’s policy: path "kv/data/app/db" { capabilities = ["read"] }',
    })
    const denied = () => client.call({ method: 'DELETE', path: ['kv/metadata', 'app/db'] })
    await Promise.all(Array.from({ length: 10 }, () => expect(denied()).rejects.toMatchObject({ code: 'target.denied' })))
    expect(await logins()).toBe(before + 1)
    turn(300)
    await expect(denied()).rejects.toMatchObject({ code: 'target.denied' })
    expect(await logins()).toBe(before + 2)
    await client.close()
  })

  it('does not repeat a login the server refused, lest it be locked out', async () => {
    const { client, turn } = await connected(server.address, { auth: { ...approle, secretId: 'not-the-secret-id' } })
    const before = await logins()
    for (let i = 0; i < 10; i += 1) {
      await expect(client.call(NAMES)).rejects.toMatchObject({ code: 'target.login_failed' })
    }
    await client.session.keepAlive(never)
    expect(await logins()).toBe(before + 1)
    expect(client.session.status()).toMatchObject({ ok: false })
    turn(300)
    await expect(client.session.keepAlive(never)).rejects.toMatchObject({ code: 'target.login_failed' })
    expect(await logins()).toBe(before + 2)
    await client.close()
  })

  it('renews at two thirds of the life, and not before', async () => {
    const { client, turn } = await connected(server.address, { auth: approle })
    const token = await client.session.token()
    const renewals = () => timesAsked(server, 'auth/token/renew-self')
    const before = await renewals()
    turn(30 * 60)
    await client.session.keepAlive(never)
    expect(await renewals()).toBe(before)
    turn(11 * 60)
    await client.session.keepAlive(never)
    expect(await renewals()).toBe(before + 1)
    expect(await client.session.token()).toBe(token)
    expect(client.session.status().renewedAt).toBeDefined()
    await client.close()
  })

  it('logs in again before the server’s maximum, without a moment of refusal', async () => {
    await server.api('POST', 'auth/approle/role/brief', {
      token_policies: 'latchkey-broker',
      token_ttl: '2s',
      token_max_ttl: '3s',
    })
    const roleId: string = (await server.api('GET', 'auth/approle/role/brief/role-id')).body.data.role_id
    const secretId: string = (await server.api('POST', 'auth/approle/role/brief/secret-id')).body.data.secret_id
    const { client } = await connected(server.address, { auth: { method: 'approle', roleId, secretId } })
    const first = await client.session.token()
    await waitFor('a second login', async () => {
      await client.session.keepAlive(never)
      await client.call(NAMES)
      return (await client.session.token()) !== first
    })
    expect(client.session.status().ok).toBe(true)
    await client.close()
  })

  it('takes a renewal that extends nothing for none', async () => {
    await server.api('POST', 'auth/apono/users/1-1', { password: 'x', token_ttl: '1h', token_policies: 'latchkey-broker' })
    const token: string = (await server.api('POST', 'auth/apono/login/1-1', { password: 'x' })).body.auth.client_token
    await server.api('DELETE', 'auth/apono/users/1-1')
    const { client, turn } = await connected(server.address, { auth: { method: 'token', token } })
    await client.session.token()
    turn(45 * 60)
    await client.session.keepAlive(never)
    expect(client.session.status()).toMatchObject({ ok: true, renewedAt: undefined })
    await client.close()
  })

  it('says that a given token is dead instead of trying others', async () => {
    const token: string = (await server.api('POST', 'auth/token/create', { policies: ['latchkey-broker'], ttl: '1h' })).body.auth
      .client_token
    const { client } = await connected(server.address, { auth: { method: 'token', token } })
    await client.call(NAMES)
    await revoke(new Secret(token))
    await expect(client.call(NAMES)).rejects.toMatchObject({ code: 'target.login_failed', fix: expect.stringContaining('token') })
    expect(client.session.status().ok).toBe(false)
    await client.close()
  })

  it('retries a failed renewal after ten seconds, growing, and reports itself unwell until then', async () => {
    const { client, turn } = await connected(server.address, { auth: approle, timeoutSeconds: 1 })
    await client.session.token()
    turn(41 * 60)
    await server.seal()
    await expect(client.session.keepAlive(never)).rejects.toMatchObject({ code: 'target.unready', fix: 'unseal it' })
    expect(client.session.status()).toMatchObject({ ok: false, detail: expect.stringContaining('sealed') })
    await client.session.keepAlive(never) // too early to ask again
    turn(12)
    await expect(client.session.keepAlive(never)).rejects.toMatchObject({ code: 'target.unready' })
    turn(12)
    await client.session.keepAlive(never)
    await server.unseal()
    turn(12)
    await client.session.keepAlive(never)
    expect(client.session.status().ok).toBe(true)
    await client.close()
  })

  it('opens a wrapped secret_id once, keeps it, and logs in with it again after a restart', async () => {
    const wrappedSecretId = await wrapped('auth/approle/role/latchkey/secret-id')
    const auth = { method: 'approle', roleId: approle.roleId, wrappedSecretId }
    const first = await connected(server.address, { auth })
    await first.client.call(NAMES)
    await first.client.close()
    const again = await connected(server.address, { auth }, first.memory)
    expect((await again.client.call(NAMES)).status).toBe(404)
    await again.client.close()
  })

  it('raises an alarm when somebody else opened the wrapped secret_id', async () => {
    const wrappedSecretId = await wrapped('auth/approle/role/latchkey/secret-id')
    await server.api('POST', 'sys/wrapping/unwrap', { token: wrappedSecretId })
    const { client, logged } = await connected(server.address, {
      auth: { method: 'approle', roleId: approle.roleId, wrappedSecretId },
    })
    await expect(client.call(NAMES)).rejects.toMatchObject({
      code: 'target.login_failed',
      message: expect.stringContaining('already opened, has expired, was made by another server'),
      fix: expect.stringMatching(
        /vault write -wrap-ttl=10m -f auth\/approle\/role\/ROLE\/secret-id \(bao write .*destroy that secret_id$/,
      ),
    })
    expect(logged.join()).toContain('error alarm')
    await client.close()
  })

  it('says how to make another secret ID where one is used up', async () => {
    await server.api('POST', 'auth/approle/role/latchkey', { secret_id_num_uses: 1 })
    try {
      const { secret_id: secretId } = (await server.api('POST', 'auth/approle/role/latchkey/secret-id')).body.data
      const auth = { method: 'approle', roleId: approle.roleId, secretId }
      const first = await connected(server.address, { auth })
      expect((await first.client.call(NAMES)).status).toBe(404)
      const { client } = await connected(server.address, { auth })
      await expect(client.call(NAMES)).rejects.toMatchObject({
        code: 'target.login_failed',
        fix: expect.stringContaining('vault write -f auth/approle/role/ROLE/secret-id (bao write'),
      })
      await Promise.all([first.client.close(), client.close()])
    } finally {
      await server.api('POST', 'auth/approle/role/latchkey', { secret_id_num_uses: 0 })
    }
  })

  it('refuses to open a wrapping token that was not made by the AppRole', async () => {
    const wrappedSecretId = await wrapped('sys/wrapping/wrap', { secret_id: approle.secretId })
    const { client } = await connected(server.address, { auth: { method: 'approle', roleId: approle.roleId, wrappedSecretId } })
    await expect(client.call(NAMES)).rejects.toMatchObject({
      code: 'target.login_failed',
      message: expect.stringContaining('sys/wrapping/wrap'),
      fix: expect.stringContaining('vault write -wrap-ttl=10m -f auth/approle/role/ROLE/secret-id'),
    })
    expect((await server.api('POST', 'sys/wrapping/lookup', { token: wrappedSecretId })).status).toBe(200)
    await client.close()
  })

  it('logs in with a JWT that it reads from a file each time, and sends no file that holds none', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    await server.api('POST', 'sys/auth/jwt', { type: 'jwt' })
    await server.api('POST', 'auth/jwt/config', { jwt_validation_pubkeys: [publicKey.export({ type: 'spki', format: 'pem' })] })
    const role = { role_type: 'jwt', user_claim: 'sub', bound_audiences: ['vault'], token_policies: 'latchkey-broker' }
    await server.api('POST', 'auth/jwt/role/broker', role)
    const folder = await mkdtemp(path.join(os.tmpdir(), 'latchkey-jwt-'))
    const file = path.join(folder, 'token')
    const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
    const seconds = Math.floor(Date.now() / 1000)
    const text = `${encoded({ alg: 'RS256' })}.${encoded({ sub: 'broker', aud: 'vault', iat: seconds, exp: seconds + 600 })}`
    const auth = { method: 'jwt', role: 'broker', file }
    await writeFile(file, 'root:x:0:0:root')
    const wrong = await connected(server.address, { auth })
    await expect(wrong.client.call(NAMES)).rejects.toMatchObject({
      code: 'target.login_failed',
      message: `the token file ${file} may not be used for this address, or cannot be read`,
    })
    await writeFile(file, `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}\n`)
    const { client } = await connected(server.address, { auth })
    expect((await client.call(NAMES)).status).toBe(404)
    await Promise.all([client.close(), wrong.client.close(), rm(folder, { recursive: true })])
  })

  it('finds out what the server can do, and leaves nothing behind', async () => {
    const { client } = await connected(server.address, { auth: approle })
    expect(client.knownFeatures()).toBeUndefined()
    const found = await client.features()
    const able = binary.product === 'openbao'
    expect(found).toMatchObject({
      policyExpiration: able,
      policyCas: able,
      passwordHash: true,
      pagedList: able,
      detailedMetadata: able,
    })
    expect(client.knownFeatures()).toBe(found)
    expect(await client.features()).toBe(found)
    const policies: string[] = (await server.api('GET', 'sys/policies/acl?list=true')).body.data.keys
    expect(policies.filter((name) => name.startsWith('apono-g-'))).toEqual([])
    expect((await server.api('GET', 'auth/apono/users?list=true')).status).toBe(404)
    await client.close()
  })

  it('revokes its own token when it closes', async () => {
    const { client } = await connected(server.address, { auth: approle })
    const token = await client.session.token()
    await client.close()
    expect((await server.api('GET', 'auth/token/lookup-self', undefined, { 'x-vault-token': token.reveal() })).status).toBe(403)
  })

  it('speaks TLS only with a server whose certificate its CA signed, and logs in with a certificate of its own', async () => {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'latchkey-tls-'))
    const secure = await startVaultServer({ binary, tls: true, dir })
    const tokenAuth = { method: 'token', token: secure.rootToken }
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    const trusting = await connected(secure.address, { auth: tokenAuth })
    await expect(trusting.client.call(NAMES)).rejects.toMatchObject({
      code: 'target.tls',
      fix: expect.stringContaining('the CA that signed'),
    })
    vi.unstubAllEnvs()
    const caFile = files(dir).ca
    const byFile = await connected(secure.address, { auth: tokenAuth, caFile })
    expect((await byFile.client.call({ method: 'GET', path: ['auth/token/lookup-self'] })).status).toBe(200)

    const certificatePem = await readFile(files(dir).certificate, 'utf8')
    const privateKeyPem = await readFile(files(dir).privateKey, 'utf8')
    await secure.api('POST', 'sys/auth/cert', { type: 'cert' })
    await secure.api('POST', 'auth/cert/certs/broker', { certificate: certificatePem, token_policies: 'default' })
    const auth = { method: 'cert', role: 'broker', certificatePem, privateKeyPem }
    const { client } = await connected(secure.address, { auth, caPem: secure.caPem })
    expect((await client.call({ method: 'GET', path: ['auth/token/lookup-self'] })).data['policies']).toEqual(['default'])
    await Promise.all([trusting.client.close(), byFile.client.close(), client.close()])
    await secure.stop()
    await rm(dir, { recursive: true })
  })

  async function wrapped(at: string, body: object = {}): Promise<string> {
    return (await server.api('POST', at, body, { 'x-vault-wrap-ttl': '300' })).body.wrap_info.token
  }
})
