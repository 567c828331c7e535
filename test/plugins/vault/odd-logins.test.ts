import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startVaultServer, type VaultServer } from '../../../dev/vault/vault-server.ts'
import type { VaultCall } from '../../../vault/index.ts'
import { type Fault, type FaultProxy, pass, startFaultProxy } from '../../support/fault-proxy.ts'
import { connected, type PreparedVault, prepared } from '../../support/vault-broker.ts'

const READ: VaultCall = { method: 'GET', path: ['sys/internal/ui/mounts'] }
const PAGE = { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>404 backend not found</html>' }
const KONG = {
  status: 404,
  headers: { 'content-type': 'application/json' },
  body: '{"message":"no Route matched with those values"}',
}
const REFUSAL = { status: 403, headers: { 'content-type': 'application/json' }, body: '{"errors":["permission denied"]}' }

describe('the broker’s own login', () => {
  let server: VaultServer
  let vault: PreparedVault
  let proxy: FaultProxy

  beforeAll(async () => {
    server = await startVaultServer({ audit: false })
    vault = await prepared(server)
    proxy = await startFaultProxy(server.address)
  })
  afterAll(async () => {
    await proxy?.close()
    await server?.stop()
  })

  /** Of the calls from now on, the n-th is answered so and not by the server. */
  function answer(nth: number, reply: typeof PAGE): void {
    let seen = 0
    const fault: Fault = async (call) => {
      seen += 1
      if (seen === nth) return call.reply(reply)
      return pass(call)
    }
    proxy.always(fault)
  }
  const revoked: VaultCall = { method: 'POST', path: ['auth/token/revoke-self'] }

  it.each([
    ['a page', PAGE],
    ['JSON of its own', KONG],
  ])('is tried again at once after what stands before the server answered it with %s', async (_name, reply) => {
    const { client } = await connected(proxy.url, { auth: vault.approle })
    await client.call(READ)
    await client.call(revoked)
    answer(3, reply) // the call itself, whether the token lives, the login
    await expect(client.call(READ)).rejects.toMatchObject({ code: 'target.unexpected' })
    proxy.always(undefined)
    expect((await client.call(READ)).status).toBe(200)
    expect(client.session.status()).toMatchObject({ ok: true })
    await client.close()
  })

  it('is had again in place of a token that is dead, although its first look at itself was refused', async () => {
    answer(2, REFUSAL) // after the login
    const { client } = await connected(proxy.url, { auth: vault.approle })
    await client.call(READ)
    proxy.always(undefined)
    await client.call(revoked)
    expect((await client.call(READ)).status).toBe(200)
    await client.close()
  })

  it('is called lost when the server refuses everything, and no longer when it serves again', async () => {
    const { client } = await connected(proxy.url, { auth: vault.approle })
    await client.call(READ)
    proxy.always((call) => call.reply(REFUSAL))
    for (let n = 0; n < 12; n += 1)
      await expect(client.call(READ)).rejects.toMatchObject({ code: expect.stringMatching(/denied|login_failed/) })
    expect(client.session.status()).toMatchObject({ ok: false })
    proxy.always(undefined)
    await client.close()
  })

  it('is not repeated at once when the server itself refuses it', async () => {
    const { client } = await connected(proxy.url, { auth: { ...vault.approle, secretId: 'no-such-secret' } })
    let asked = 0
    proxy.always((call) => {
      asked += 1
      return pass(call)
    })
    for (let n = 0; n < 3; n += 1) await expect(client.call(READ)).rejects.toMatchObject({ code: 'target.login_failed' })
    expect(asked).toBe(1)
    proxy.always(undefined)
    await client.close()
  })
})
