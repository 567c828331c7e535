import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { startWorld, traces, type World } from '../support/world.ts'

const [binary] = await serversUnderTest()
const MOUNTS = 'sys/internal/ui/mounts'

describe('what changes while the target is slow', () => {
  let vault: VaultServer
  let proxy: FaultProxy
  let world: World

  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    proxy = await startFaultProxy(vault.address)
    world = await startWorld(vault, { settings: { address: proxy.url } })
  })
  afterAll(async () => {
    await world?.close()
    await proxy?.close()
    await vault?.stop()
  })

  const admin = () => world.broker.admin

  it('refuses a request whose flow an admin changes while it is planned, and takes the same request afterwards', async () => {
    const { alice } = world
    const flow = await world.flow()
    const { rule } = await admin().must(admin().get(`/api/access-flows/${flow.id}`))
    const resources = [{ resourceId: await world.resource('kv/app/db'), permissions: ['read'] }]
    const ask = () =>
      alice.api.post('/api/access-requests', { flowId: flow.id, resources, seconds: 600, justification: 'a look' })
    let changes = 0
    proxy.always(async (call) => {
      if (call.path.startsWith(MOUNTS)) {
        changes += 1
        await admin().must(admin().patch(`/api/access-flows/${flow.id}`, { rule: { ...rule, maxSeconds: 3600 + changes } }))
      }
      await call.reply(await call.forward())
    })
    const refused = await ask()
    proxy.always()
    expect(changes).toBeGreaterThan(0)
    expect(refused.body, refused.text).toMatchObject({ status: 409, code: 'conflict', fix: 'send the request again' })
    expect(await world.broker.database.query('select 1 from access_requests where flow_id = $1', [flow.id])).toEqual([])
    const { grantId } = await alice.api.must(ask())
    await world.until(alice, grantId, 'active')
    await alice.api.must(alice.api.post(`/api/grants/${grantId}/give-back`))
    await world.until(alice, grantId, 'revoked')
  })

  it('gives no power to somebody who loses the right to it while their user is made, and leaves nothing of it', async () => {
    const { alice } = world
    const { id } = await admin().must(admin().post('/api/groups', { name: 'who may ask' }))
    await admin().must(admin().put(`/api/groups/${id}/members/${alice.id}`))
    const flow = await world.flow({ requesters: { kind: 'people', users: [], groups: [id] } })
    proxy.begin()
    const struck = proxy.strike({ name: 'POST auth/apono/users/:user', nth: 1 }, async (call) => {
      await admin().must(admin().delete(`/api/groups/${id}/members/${alice.id}`))
      await call.reply(await call.forward())
    })
    const { grantId } = await world.request(alice, { flowId: flow.id })
    await struck
    const ended = await world.until(alice, grantId!, /^(failed|revoked)$/)
    expect(JSON.stringify(ended)).toContain('not among the people who may ask')
    expect(proxy.calls).not.toContain('POST sys/policies/acl/:policy')
    expect(await traces(vault)).toEqual([])
  })

  it('gives no power to somebody whose access was given back while their user is made, however late its end is taken up', async () => {
    const { alice } = world
    const { query } = world.broker.database
    const flow = await world.flow()
    await query(`create function later() returns trigger language plpgsql as
      $$ begin if new.kind = 'grant.end' then new.run_at := now() + interval '1 hour'; end if; return new; end $$`)
    await query('create trigger later before insert or update on due_work for each row execute function later()')
    proxy.begin()
    const struck = proxy.strike({ name: 'POST auth/apono/users/:user', nth: 1 }, async (call) => {
      const [grant] = await query<{ id: string }>(`select id from grants where state = 'provisioning'`)
      await alice.api.must(alice.api.post(`/api/grants/${grant!.id}/give-back`))
      await call.reply(await call.forward())
    })
    const { grantId } = await world.request(alice, { flowId: flow.id })
    await struck
    await waitFor('provisioning to be over', async () => {
      return (await query(`select 1 from due_work where kind = 'grant.provision' and subject = $1`, [grantId])).length === 0
    })
    expect(proxy.calls).not.toContain('POST sys/policies/acl/:policy')
    await query('drop trigger later on due_work')
    await query(`update due_work set run_at = now(), version = version + 1 where kind = 'grant.end' and subject = $1`, [grantId])
    await world.until(alice, grantId!, 'revoked')
    expect(await traces(vault)).toEqual([])
  })

  it('gives and ends access although a standby redirects for a moment, as one does while a leader is elected', async () => {
    const { alice } = world
    const redirected = (name: string) =>
      proxy.strike({ name, nth: 1 }, async (call) => {
        const headers = { location: `http://127.0.0.1:1/v1/${call.path}` }
        await call.reply({ status: 307, headers, body: '' })
      })
    const flow = await world.flow()
    for (const name of ['POST auth/apono/users/:user', 'POST sys/policies/acl/:policy']) {
      proxy.begin()
      const giving = redirected(name)
      const { grantId } = await world.request(alice, { flowId: flow.id })
      await giving
      await world.until(alice, grantId!, 'active')
      proxy.begin()
      const ending = redirected('DELETE sys/policies/acl/:policy')
      await alice.api.must(alice.api.post(`/api/grants/${grantId}/give-back`))
      await ending
      await world.until(alice, grantId!, 'revoked')
    }
    expect(await traces(vault)).toEqual([])
  })
})
