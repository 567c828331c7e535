import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { paused, timesAsked } from '../support/vault-broker.ts'
import { type PersonInWorld, startWorld, tries, type World } from '../support/world.ts'

const NEVER = [{ days: ['mon'], from: '00:00', to: '00:01', timeZone: 'UTC' }]
const ALWAYS = [{ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '00:00', to: '24:00', timeZone: 'UTC' }]
const MOUNTS = 'sys/internal/ui/mounts'

describe.each(await serversUnderTest())('what a decision means, on $product $version', (binary) => {
  let vault: VaultServer
  let world: World
  let alice: PersonInWorld
  let bob: PersonInWorld

  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    world = await startWorld(vault)
    ;({ alice, bob } = world)
  })
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
  })
  afterEach(async () => {
    const { admin } = world.broker
    const { state } = await admin.must(admin.get(`/api/integrations/${world.integrationId}`))
    if (state === 'paused') await admin.must(admin.post(`/api/integrations/${world.integrationId}/resume`))
  })

  const approve = (id: string) => bob.api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve' })
  const flowFor = (more: Record<string, unknown> = {}) =>
    world.flow({ approval: { kind: 'approvers', users: [bob.id], groups: [], needed: 1 }, ...more })
  const requestOf = async (id: string) => await alice.api.must(alice.api.get(`/api/access-requests/${id}`))
  const admin = () => world.broker.admin
  const pause = () => admin().must(admin().post(`/api/integrations/${world.integrationId}/pause`))
  /** As if the time had passed over the end of the flow's windows. */
  const windowsPass = (flowId: string) =>
    world.broker.database.query(
      `update access_flow_versions set rule = jsonb_set(rule, '{windows}', $2::jsonb) where flow_id = $1`,
      [flowId, JSON.stringify(NEVER)],
    )
  const refusedNow = async (id: string, why: string) => {
    const refused = await approve(id)
    expect(refused.body).toMatchObject({ status: 409, code: 'conflict' })
    expect(refused.body.message).toContain(why)
    expect(await requestOf(id)).toMatchObject({ state: 'pending', grantId: null, approvals: [] })
    const rejected = await bob.api.post(`/api/access-requests/${id}/approvals`, { decision: 'reject', reason: 'not any more' })
    expect(rejected.body.state).toBe('rejected')
  }
  const group = async (...members: PersonInWorld[]) => {
    const { id } = await admin().must(admin().post('/api/groups', { name: `group ${randomBytes(3).toString('hex')}` }))
    for (const member of members) await admin().must(admin().put(`/api/groups/${id}/members/${member.id}`))
    return id as string
  }

  it('gives nothing when the time at which access may begin is over', async () => {
    const flow = await flowFor({ windows: ALWAYS })
    const { id } = await world.request(alice, { flowId: flow.id })
    await windowsPass(flow.id)
    await refusedNow(id, 'it gives access only at other times')
  })

  it('gives nothing to somebody who has left the group that may ask, or no longer meets its conditions', async () => {
    const asking = await group(alice)
    const named = await flowFor({ requesters: { kind: 'people', users: [], groups: [asking] } })
    const asked = await world.request(alice, { flowId: named.id })
    await admin().must(admin().delete(`/api/groups/${asking}/members/${alice.id}`))
    await refusedNow(asked.id, 'the requester is not among the people who may ask under it')

    const dora = await world.person('dora')
    const conditional = await flowFor({ conditions: { attribute: 'name', is: 'starting_with', value: 'dora' } })
    const { id } = await world.request(dora, { flowId: conditional.id })
    await world.broker.database.query(`update users set name = 'somebody else' where id = $1`, [dora.id])
    expect((await approve(id)).body).toMatchObject({ status: 409, code: 'conflict' })
  })

  it('ends what waits under a flow that is switched off, and says why', async () => {
    const flow = await flowFor({ extensions: { count: 3, maxSeconds: 600 } })
    const given = await world.request(alice, { flowId: flow.id, seconds: 600 })
    const grantId = (await approve(given.id)).body.grantId
    await world.until(alice, grantId, 'active')
    const more = await alice.api.must(alice.api.post(`/api/grants/${grantId}/extend`, { seconds: 60 }))
    const waiting = await world.request(alice, { flowId: flow.id })
    await admin().must(admin().patch(`/api/access-flows/${flow.id}`, { active: false }))
    for (const id of [waiting.id, more.id]) {
      await waitFor('the request to end', async () => (await requestOf(id)).state === 'cancelled')
      expect(await requestOf(id)).toMatchObject({
        endReason: 'the access flow was switched off',
        grantId: id === more.id ? grantId : null,
      })
      expect((await approve(id)).status).toBe(409)
      const [said] = (await admin().must(admin().get(`/api/audit?subject=${id}&kind=request.cancelled`))).items
      expect(said).toMatchObject({ actor: 'broker', data: { reason: 'the access flow was switched off' } })
    }
    expect((await alice.api.get(`/api/grants/${grantId}`)).body.state, 'what is active goes on to its end').toBe('active')
  })

  it('ends access that is not there yet when its flow is switched off', async () => {
    const flow = await flowFor()
    const { id } = await world.request(alice, { flowId: flow.id })
    await paused(vault) // so that provisioning cannot finish
    try {
      const { grantId } = (await approve(id)).body
      await admin().must(admin().patch(`/api/access-flows/${flow.id}`, { active: false }))
      const ending = await world.until(alice, grantId, /revoking|stuck|revoked/)
      expect(ending).toMatchObject({ endReason: 'revoked', endNote: 'the access flow was switched off' })
    } finally {
      vault.resume()
    }
  })

  it('extends nothing at another time, for somebody who left, or through a paused integration', async () => {
    const asking = await group(alice)
    const rule = {
      requesters: { kind: 'people', users: [], groups: [asking] },
      windows: ALWAYS,
      extensions: { count: 5, maxSeconds: 600 },
    }
    const flow = await flowFor(rule)
    const { id } = await world.request(alice, { flowId: flow.id, seconds: 600 })
    const { grantId } = (await approve(id)).body
    await world.until(alice, grantId, 'active')
    const extend = () => alice.api.post(`/api/grants/${grantId}/extend`, { seconds: 60 })
    const first = await alice.api.must(extend())
    await pause()
    expect((await approve(first.id)).body).toMatchObject({ status: 409, code: 'conflict' })
    expect((await alice.api.get(`/api/grants/${grantId}`)).body.extensions).toBe(0)
    await alice.api.must(alice.api.post(`/api/access-requests/${first.id}/cancel`))
    expect((await extend()).body).toMatchObject({ status: 409, code: 'conflict' })
    await admin().must(admin().post(`/api/integrations/${world.integrationId}/resume`))

    const second = await alice.api.must(extend())
    await admin().must(admin().delete(`/api/groups/${asking}/members/${alice.id}`))
    expect((await approve(second.id)).body.message).toContain('the requester is no longer among the people who may ask under it')
    await admin().must(admin().put(`/api/groups/${asking}/members/${alice.id}`))
    await windowsPass(flow.id)
    expect((await approve(second.id)).body.message).toContain('only at other times')
    await alice.api.must(alice.api.post(`/api/access-requests/${second.id}/cancel`))
    expect((await extend()).body).toMatchObject({ status: 422, code: 'access.denied' })
    expect((await alice.api.get(`/api/grants/${grantId}`)).body.extensions).toBe(0)
  })

  it('opens nothing through a paused integration, and everything again when it is resumed', async () => {
    const grantId = await world.grant(alice, {})
    await pause()
    const refused = await alice.api.post(`/api/grants/${grantId}/open`)
    expect(refused.body).toMatchObject({ status: 409, code: 'conflict' })
    expect(refused.body.message).toContain('is paused')
    await admin().must(admin().post(`/api/integrations/${world.integrationId}/resume`))
    expect((await alice.api.post(`/api/grants/${grantId}/open`)).status).toBe(200)
  })

  it('says of a paused integration before anybody asks that nothing is had through it', async () => {
    const resources = [{ resourceId: await world.resource('kv/app/db'), permissions: ['read'] }]
    const flow = await flowFor()
    const look = () =>
      alice.api.must(
        alice.api.post('/api/access-requests/dry-run', { flowId: flow.id, resources, seconds: 60, justification: 'because' }),
      )
    expect(await look()).toMatchObject({ allowed: true })
    await pause()
    expect(await look()).toMatchObject({ allowed: false, reasons: [expect.stringContaining('is paused')] })
  })

  it('plans when it is asked for, and never when it is read', async () => {
    const flow = await flowFor()
    const { id } = await world.request(alice, { flowId: flow.id })
    const before = await requestOf(id)
    expect(before.steps.map((step: { kind: string }) => step.kind)).toEqual(['user', 'policy'])
    expect((await bob.api.must(bob.api.get(`/api/access-requests/${id}`))).steps).toEqual(before.steps)
    // What the broker asks in the background may fall between; reading that asked would do so each time.
    await waitFor('a reading that asks the target nothing', async () => {
      const asked = await timesAsked(vault, MOUNTS)
      await requestOf(id)
      return (await timesAsked(vault, MOUNTS)) === asked
    })

    const { grantId } = (await approve(id)).body
    await world.until(alice, grantId, 'active')
    const carriedOut = await alice.api.must(alice.api.get(`/api/grants/${grantId}/steps`))
    const shown = ({ kind, target, summary, args }: Record<string, unknown>) => ({ kind, target, summary, args })
    expect((await requestOf(id)).steps).toEqual(carriedOut.map(shown))

    await paused(vault)
    try {
      expect((await requestOf(id)).steps, 'a target that does not answer takes nothing away').toEqual(carriedOut.map(shown))
    } finally {
      vault.resume()
    }
  })

  it('takes a request down although the target cannot be asked for a plan', async () => {
    const flow = await flowFor()
    const connected = await world.request(alice, { flowId: flow.id })
    expect(connected.state).toBe('pending')
    await paused(vault)
    try {
      const { id } = await world.request(alice, { flowId: flow.id })
      expect(await requestOf(id)).toMatchObject({ state: 'pending', steps: [] })
    } finally {
      vault.resume()
    }
  })

  it('refuses when it is asked for what the dry run refuses: what a key of its type cannot do', async () => {
    const type = 'vault-transit-key'
    const ask = async (name: string, permissions: string[]) => ({
      resources: [{ resourceId: await world.resource(name, type), permissions }],
      seconds: 600,
      justification: 'because',
    })
    await world.flow()
    for (const [name, permission] of [
      ['transit/invoices', 'encrypt'],
      ['transit/invoices', 'decrypt'],
      ['transit/invoices', 'rewrap'],
      ['transit/orders', 'sign'],
    ] as const) {
      const wanted = await ask(name, ['read', permission])
      for (const road of ['/api/access-requests/dry-run', '/api/access-requests']) {
        const refused = await alice.api.post(road, wanted)
        expect(refused.body, `${permission} with ${name}`).toMatchObject({ status: 422, code: 'access.ungrantable' })
        expect(refused.body.message).toContain(`cannot ${permission}`)
      }
    }
    for (const [name, permissions] of [
      ['transit/invoices', ['sign', 'verify', 'hmac', 'read']],
      ['transit/orders', ['encrypt', 'decrypt', 'rewrap', 'verify', 'hmac']],
    ] as const) {
      expect((await alice.api.post('/api/access-requests', await ask(name, [...permissions]))).status).toBe(201)
    }
  })

  it('lists the folder whose name ends with *, and no other', async () => {
    await vault.api('POST', `kv/data/${encodeURIComponent('glob*')}/inner`, { data: { a: 'b' } })
    await vault.api('POST', 'kv/data/globe/inner', { data: { a: 'b' } })
    // One that was under way already may have passed by before they were written.
    await waitFor(
      'a sync of its own to begin',
      async () => (await admin().post(`/api/integrations/${world.integrationId}/sync`)).status === 202,
    )
    await waitFor(
      'the sync',
      async () => (await admin().must(admin().get(`/api/integrations/${world.integrationId}/sync`))).state === 'completed',
    )
    await world.flow()
    const grantId = await world.grant(alice, { name: 'kv/glob*/inner', permissions: ['list'] })
    const { token } = await world.open(alice, grantId)
    const list = (folder: string) => tries(vault, token, 'GET', `kv/metadata/${folder}/?list=true`)
    expect(await list(encodeURIComponent('glob*'))).toBe(200)
    expect(await list('globe')).toBe(403)
  })
})
