import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { type VaultServer } from '../../../dev/vault/vault-server.ts'
import { Secret } from '../../../src/sdk/index.ts'
import type { VaultCall } from '../../../vault/index.ts'
import { connected, type PreparedVault, paused } from '../../support/vault-broker.ts'
import { NAMES, serverHere } from './connections.ts'

describe.each(await serversUnderTest())('the broker’s connection to a $product $version', (binary) => {
  let server: VaultServer
  let approle: PreparedVault['approle']
  serverHere(binary, (started, login) => {
    server = started
    approle = login
  })

  it('stops where a namespace is not honoured, before anything lands in another one', async () => {
    const { client } = await connected(server.address, { auth: approle, namespace: 'team-a' })
    await expect(client.call(NAMES)).rejects.toMatchObject({ code: 'target.scope' })
    await client.close()
  })

  it('names every secret exactly, whatever characters it has', async () => {
    const { client } = await connected(server.address, { auth: { method: 'token', token: server.rootToken } })
    for (const name of [
      'plain',
      'with space',
      '100%',
      '%2e%2e',
      'a?b#c',
      'häkchen',
      '🔑',
      'semi;colon&and=',
      'quote"back\\slash',
    ]) {
      const written = await client.call({ method: 'POST', path: ['kv', 'data', 'names', name], body: { data: { name } } })
      expect(written.requestId).toMatch(/^[0-9a-f-]{36}$/)
    }
    const listed = await client.call({ method: 'GET', path: ['kv/metadata', 'names'], list: true })
    expect(listed.data['keys']).toHaveLength(9)
    expect(listed.data['keys']).toContain('%2e%2e')
    for (const name of ['..', '.', 'a/../b', 'a//b', '']) {
      await expect(client.call({ method: 'GET', path: ['kv/data', name] })).rejects.toMatchObject({ code: 'target.invalid' })
    }
    await client.close()
  })

  it('tells the seven kinds of 404 apart', async () => {
    const { client } = await connected(server.address, { auth: { method: 'token', token: server.rootToken } })
    const ask = (...segments: string[]) => client.call({ method: 'GET', path: segments })
    await client.call({ method: 'POST', path: ['kv/data/gone'], body: { data: { a: 1 } } })
    await client.call({ method: 'DELETE', path: ['kv/data/gone'] })
    await expect(ask('kv/data/gone')).rejects.toMatchObject({
      code: 'target.not_found',
      message: expect.stringContaining('is deleted'),
    })
    await client.call({ method: 'POST', path: ['kv/destroy/gone'], body: { versions: [1] } })
    await expect(ask('kv/data/gone')).rejects.toMatchObject({ message: expect.stringContaining('is destroyed') })
    await expect(ask('kv/data/never')).rejects.toMatchObject({ code: 'target.not_found' })
    await expect(ask('kv/never')).rejects.toMatchObject({ code: 'target.unsupported' })
    await expect(ask('nothing-here/data/x')).rejects.toMatchObject({
      code: 'target.not_found',
      fix: expect.stringContaining('mount'),
    })
    await expect(ask('auth/apono/users/a@b.c')).rejects.toMatchObject({ code: 'target.unsupported' })
    const patch: VaultCall = { method: 'PATCH', path: ['kv/data/never'], body: { data: { a: 1 } } }
    await expect(client.call(patch)).rejects.toMatchObject({ code: 'target.not_found' })
    expect((await client.call({ ...patch, accept: [404] })).body).toEqual({})
    await client.close()
  })

  it('waits out a quota when the call bears repetition, and says so when it does not', async () => {
    const { client } = await connected(server.address, { auth: { method: 'token', token: server.rootToken } })
    await client.session.token()
    await server.api('POST', 'sys/quotas/rate-limit/tight', { rate: 2, interval: '1s', path: 'kv/' })
    try {
      const once = Array.from({ length: 6 }, () => client.call({ ...NAMES, repeatable: false }))
      const refused = (await Promise.allSettled(once)).filter((result) => result.status === 'rejected')
      expect(refused.length).toBeGreaterThan(0)
      expect(refused[0]?.reason).toMatchObject({ code: 'target.busy', fix: expect.stringContaining('quota') })
      expect(await Promise.all(Array.from({ length: 6 }, () => client.call(NAMES)))).toHaveLength(6)
    } finally {
      await server.api('DELETE', 'sys/quotas/rate-limit/tight')
    }
    await client.close()
  })

  it('asks the fence right before each request, and sends nothing once it is down', async () => {
    const { client } = await connected(server.address, { auth: approle })
    await client.session.token()
    const guard = () => {
      throw new Error('another replica took over')
    }
    await expect(
      client.call({ method: 'POST', path: ['sys/policies/acl/apono-g-x'], body: { policy: '{}' }, guard }),
    ).rejects.toThrow('another replica')
    expect((await server.api('GET', 'sys/policies/acl/apono-g-x')).status).toBe(404)
    await client.close()
  })

  it('shows no secret in any error', async () => {
    const canaries = ['canary-secret-id', 'canary-password', 'canary-token']
    const errors: unknown[] = []
    const caught = (work: Promise<unknown>) => work.catch((error: unknown) => errors.push(error))
    const refused = await connected(server.address, { auth: { ...approle, secretId: 'canary-secret-id' } })
    await caught(refused.client.call(NAMES))
    const { client } = await connected(server.address, { auth: approle })
    const body = { password: new Secret('canary-password'), token_policies: 'canary-password' }
    await caught(client.call({ method: 'POST', path: ['auth/apono/users/a@b'], body }))
    await caught(
      client.call({ method: 'POST', path: ['sys/policies/acl/apono-g-x'], body: { policy: new Secret('canary-password {') } }),
    )
    await caught(client.call({ method: 'GET', path: ['auth/token/lookup-self'], token: new Secret('canary-token') }))
    const nowhere = await connected('http://127.0.0.1:1', { auth: { method: 'token', token: 'canary-token' } })
    await caught(nowhere.client.call({ ...NAMES, repeatable: false }))
    expect(errors).toHaveLength(5)
    const shown = errors.map((error) => inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error)).join('\n')
    for (const canary of canaries) expect(shown).not.toContain(canary)
    await Promise.all([refused.client.close(), client.close(), nowhere.client.close()])
  })

  it('gives up in time on a server that stands still, and the call says so', async () => {
    const { client } = await connected(server.address, { auth: { method: 'token', token: server.rootToken } })
    await client.session.token()
    await paused(server)
    try {
      await expect(client.call({ ...NAMES, timeoutMs: 300 })).rejects.toMatchObject({ code: 'target.timeout' })
      const leaving = new AbortController()
      const left = client.call({ ...NAMES, signal: leaving.signal })
      leaving.abort(new Error('enough'))
      await expect(left).rejects.toThrow('enough')
    } finally {
      server.resume()
    }
    expect((await client.call(NAMES)).status).toBe(200)
    await client.close()
  })
})
