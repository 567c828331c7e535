import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { run } from '../../src/cli/main.ts'
import { SCOPES } from '../../src/contract/identity.ts'
import { startBroker } from '../support/broker.ts'
import { tokenThrough } from '../support/own-token.ts'
import { type Relay, startRelay } from '../support/relay.ts'
import { furnished, inhabit, traces, tries, type World } from '../support/world.ts'

/** What cannot be ended is called stuck at the first try, and not minutes later. */
const AT_ONCE = { stuckAfterSeconds: 0 }

describe.each(await serversUnderTest())('writing off what lives on a $product $version that is gone', (binary) => {
  let here: VaultServer
  let elsewhere: VaultServer
  let relay: Relay
  let world: World
  let dir: string

  beforeAll(async () => {
    // Servers of the tests are copies of one that was initialised once, and have its number; this one is initialised by itself.
    dir = await mkdtemp(path.join(os.tmpdir(), 'latchkey-elsewhere-'))
    ;[here, elsewhere] = await Promise.all([startVaultServer({ binary }), startVaultServer({ binary, dir })])
    relay = await startRelay(here.address)
    world = await inhabit(await startBroker({ config: AT_ONCE }), here, { ...(await furnished(here)), address: relay.url })
  })
  afterAll(async () => {
    await world?.close()
    await relay?.close()
    await here?.stop()
    await elsewhere?.stop()
    if (dir) await rm(dir, { recursive: true, force: true })
  })

  afterEach(async () => {
    relay.leadTo(here.address)
    if ((await admin().get(at())).body.state === 'paused') await resume()
  })

  const at = () => `/api/integrations/${world.integrationId}`
  const admin = () => world.broker.admin
  const name = async (): Promise<string> => (await admin().must(admin().get(at()))).name
  const writeOff = async (reason = 'the machine burnt') => admin().post(`${at()}/write-off`, { confirm: await name(), reason })
  const endAll = async () => admin().must(admin().post(`${at()}/end-access`, { confirm: await name(), reason: 'it is gone' }))
  const resume = () => admin().must(admin().post(`${at()}/resume`))
  const receiptOf = (id: string) => admin().must(admin().get(`/api/grants/${id}/receipt`))
  const sweep = () => admin().must(admin().post(`${at()}/sweep`))
  const told = (kind: string, subject: string) =>
    world.broker.database.query<{ actor: string; data: Record<string, unknown> }>(
      'select actor, body::jsonb as data from audit_events where kind = $1 and subject = $2',
      [kind, subject],
    )

  async function cannotEnd(grantId: string, code: string): Promise<void> {
    await waitFor(`${grantId} to say that it cannot end`, async () => {
      const { body } = await admin().get(`/api/grants/${grantId}`)
      return body.state === 'stuck' && body.problem?.code === code
    })
  }

  it.each([
    ['does not answer', () => undefined, 'target.unreachable', /does not answer/],
    ['was replaced by another', () => elsewhere.address, 'target.moved', /a different system answers/],
  ])(
    'ends a grant whose server %s as not proved, and takes away what is left when it comes back',
    async (_, next, code, because) => {
      const { alice } = world
      const grantId = await world.grant(alice, {})
      const { token } = await world.open(alice, grantId)
      const left = await traces(here)
      expect(left).not.toEqual([])
      relay.leadTo(next())

      const living = await writeOff()
      expect(living.body, living.text).toMatchObject({ code: 'conflict', fix: expect.stringContaining('end-access') })
      await endAll()
      await cannotEnd(grantId, code)
      const written = await writeOff()
      expect(written.status, written.text).toBe(200)
      expect(written.body).toEqual({ integrationId: world.integrationId, grants: [grantId] })

      const grant = await alice.api.must(alice.api.get(`/api/grants/${grantId}`))
      expect(grant).toMatchObject({
        state: 'written_off',
        endedAt: expect.any(String),
        writtenOff: { reason: 'the machine burnt', because: expect.stringMatching(because) },
      })
      const receipt = await receiptOf(grantId)
      expect(receipt).toMatchObject({ powerlessAt: null, writtenOff: { reason: 'the machine burnt', by: grant.writtenOff.by } })
      expect(receipt.evidence.length).toBeGreaterThanOrEqual(3) // user, policy, the credential
      for (const piece of receipt.evidence) {
        expect(piece).toMatchObject({ gone: false, lookedAt: false, observed: expect.stringContaining('not looked at') })
      }
      expect(await told('grant.written_off', grantId)).toMatchObject([
        { actor: grant.writtenOff.by.id, data: { reason: 'the machine burnt' } },
      ])
      expect(await told('integration.written_off', world.integrationId)).not.toEqual([])
      expect((await writeOff()).body).toMatchObject({ code: 'conflict' })

      // It was there all the while.
      expect(await tries(here, token, 'GET', 'kv/data/app/db')).toBe(200)
      await admin().post(`${at()}/sweep`)
      expect(await told('grant.came_back', grantId), 'nothing is looked for on another server').toEqual([])
      relay.leadTo(here.address)
      await resume() // so that a login that was refused elsewhere is tried at once
      await waitFor('the sweep to reach the server', async () => (await admin().post(`${at()}/sweep`)).status === 200)
      await waitFor('the grant to be found again', async () => (await told('grant.came_back', grantId)).length > 0)
      expect(await tries(here, token, 'GET', 'kv/data/app/db')).toBe(403)
      expect(await traces(here)).toEqual([])
      const later = await receiptOf(grantId)
      expect(later).toMatchObject({ writtenOff: receipt.writtenOff, evidence: receipt.evidence })
      expect(later.cameBack.target).toEqual(receipt.target)
      for (const piece of later.cameBack.evidence) expect(piece).toMatchObject({ gone: true })
      expect((await admin().get(`/api/grants/${grantId}`)).body.state).toBe('written_off')
      expect((await told('grant.came_back', grantId)).length, 'found once').toBe(1)
      await sweep()
      expect((await told('grant.came_back', grantId)).length).toBe(1)
    },
    60_000,
  )

  it('writes nothing off whose server answers, and nothing before its end was tried', async () => {
    const { alice } = world
    const none = await writeOff()
    expect(none.body, none.text).toMatchObject({ status: 409, code: 'conflict', message: expect.stringContaining('is gone') })
    const mistyped = await admin().post(`${at()}/write-off`, { confirm: 'another', reason: 'because' })
    expect(mistyped.body).toMatchObject({ status: 400, field: 'confirm' })

    const grantId = await world.grant(alice, {})
    relay.leadTo(undefined)
    await endAll()
    await cannotEnd(grantId, 'target.unreachable')
    relay.leadTo(here.address)
    const answered = await writeOff()
    // Either it says that the server answers, or the grant was quicker and is over.
    expect(answered.body, answered.text).toMatchObject({ status: 409, code: 'conflict' })
    await world.until(alice, grantId, 'revoked')
    expect((await receiptOf(grantId)).evidence.every((piece: { gone: boolean }) => piece.gone)).toBe(true)
  })

  it('waits for a second person with four eyes, who accepts these grants and no others', async () => {
    const { alice, bob } = world
    const { database, key } = world.broker
    const careful = await startBroker({ database, key, config: { ...AT_ONCE, fourEyes: true } })
    try {
      const second = careful.api((await world.person('second admin', ['admin'], ['read', 'manage'])).token)
      const [first, later] = [await world.grant(alice, {}), await world.grant(bob, {})]
      relay.leadTo(undefined)
      await alice.api.must(alice.api.post(`/api/grants/${first}/give-back`))
      await cannotEnd(first, 'target.unreachable')
      const early = await careful.admin.post(`${at()}/write-off`, { confirm: await name(), reason: 'gone' })
      expect(early.body, 'one still lives').toMatchObject({ status: 409 })
      await bob.api.must(bob.api.post(`/api/grants/${later}/give-back`))
      await cannotEnd(later, 'target.unreachable')
      const proposed = await careful.admin.post(`${at()}/write-off`, { confirm: await name(), reason: 'gone' })
      expect(proposed, proposed.text).toMatchObject({
        status: 202,
        body: { kind: 'integration.write_off', state: 'open', summary: { reason: 'gone', grants: [first, later].toSorted() } },
      })
      expect((await admin().get(`/api/grants/${first}`)).body.state).toMatch(/revoking|stuck/)
      expect((await careful.admin.post(`/api/proposals/${proposed.body.id}/accept`)).body.code).toBe('access.self_approval')
      const accepted = await second.must(second.post(`/api/proposals/${proposed.body.id}/accept`))
      expect(accepted.state).toMatch(/accepted|performed/)
      for (const id of [first, later]) await world.until({ ...alice, api: admin() }, id, 'written_off')
    } finally {
      await careful.close()
    }
    relay.leadTo(here.address)
    await waitFor('the sweep to have found both', async () => {
      await admin().post(`${at()}/sweep`)
      return (await traces(here)).length === 0
    })
  }, 60_000)

  it('writes nothing off before it is stuck, and lets the integration be removed when everything is', async () => {
    const patient = await inhabit(await startBroker({}), here, { ...(await furnished(here)), address: relay.url })
    const { broker, alice, integrationId } = patient
    const path = `/api/integrations/${integrationId}`
    const { name: confirm } = await broker.admin.must(broker.admin.get(path))
    const order = { confirm, reason: 'it burnt' }
    try {
      const grantId = await patient.grant(alice, {})
      relay.leadTo(undefined)
      await broker.admin.must(broker.admin.post(`${path}/end-access`, order))
      await waitFor('the end to fail', async () => (await broker.admin.get(`/api/grants/${grantId}`)).body.problem !== null)
      const early = await broker.admin.post(`${path}/write-off`, order)
      expect(early, early.text).toMatchObject({ status: 409, body: { code: 'conflict', fix: expect.stringContaining('stuck') } })
      expect((await broker.admin.get(`/api/grants/${grantId}`)).body.state).toBe('revoking')
      expect((await broker.admin.delete(path)).status, 'it is still being ended').toBe(409)
      const { database, key } = broker
      const impatient = await startBroker({ database, key, config: AT_ONCE })
      try {
        await patient.until({ ...alice, api: broker.admin }, grantId, 'stuck')
        const written = await broker.admin.must(broker.admin.post(`${path}/write-off`, order))
        expect(written.grants).toEqual([grantId])
        const removed = await broker.admin.delete(path)
        expect(removed.status, removed.text).toBe(204)
        expect((await broker.admin.get(`/api/grants/${grantId}/receipt`)).body.writtenOff).toMatchObject({ reason: 'it burnt' })
      } finally {
        await impatient.close()
      }
    } finally {
      await patient.close()
    }
  }, 60_000)

  it('lets nobody write off what may be their own: not its grantee, not with their token, and not as the second person', async () => {
    const all = [...SCOPES]
    const carol = await world.person('carol', ['admin', 'member'], all)
    const puppet = await world.person('puppet', ['admin'], all)
    const { database, key } = world.broker
    const throughCarol = world.broker.api((await tokenThrough(database, puppet.id, all, [puppet.id, carol.id])).token)
    const [hers, other] = [await world.grant(carol, {}), await world.grant(world.alice, {})]
    relay.leadTo(undefined)
    await carol.api.must(carol.api.post(`${at()}/end-access`, { confirm: await name(), reason: 'gone' }))
    for (const id of [hers, other]) await cannotEnd(id, 'target.unreachable')
    const order = { confirm: await name(), reason: 'gone' }
    for (const api of [carol.api, throughCarol]) {
      const own = await api.post(`${at()}/write-off`, order)
      expect(own, own.text).toMatchObject({ status: 403, body: { code: 'access.self_approval' } })
      expect(own.body.message).toContain(hers)
      expect(own.body.message).not.toContain(other)
    }
    const careful = await startBroker({ database, key, config: { ...AT_ONCE, fourEyes: true } })
    try {
      expect((await careful.api(carol.token).post(`${at()}/write-off`, order)).body.code).toBe('access.self_approval')
      const proposed = await careful.admin.post(`${at()}/write-off`, order)
      expect(proposed.status, proposed.text).toBe(202)
      const accepted = await careful.api(carol.token).post(`/api/proposals/${proposed.body.id}/accept`)
      expect(accepted, accepted.text).toMatchObject({ status: 403, body: { code: 'access.self_approval' } })
      await careful.admin.must(careful.admin.post(`/api/proposals/${proposed.body.id}/withdraw`))
    } finally {
      await careful.close()
    }
    for (const id of [hers, other]) expect((await admin().get(`/api/grants/${id}`)).body.state).toBe('stuck')
    const written = await admin().must(admin().post(`${at()}/write-off`, order))
    expect(written.grants.toSorted()).toEqual([hers, other].toSorted())
    relay.leadTo(here.address)
    await resume()
    await waitFor('the sweep to have found both', async () => {
      await admin().post(`${at()}/sweep`)
      return (await traces(here)).length === 0
    })
  }, 60_000)

  it('is asked for at the command line, where the name is typed, and the receipt there claims nothing', async () => {
    const { alice } = world
    const grantId = await world.grant(alice, {})
    relay.leadTo(elsewhere.address)
    await endAll()
    await cannotEnd(grantId, 'target.moved')
    const latchkey = async (words: readonly string[], input = '') => {
      const printed: string[] = []
      const code = await run(words, {
        env: { LATCHKEY_CLI_URL: world.broker.url, LATCHKEY_CLI_TOKEN: world.broker.adminToken },
        input: Readable.from([input]),
        print: (line: string) => printed.push(line),
        tell: (line: string) => printed.push(line),
      } as Parameters<typeof run>[1])
      return { code, out: printed.join('\n') }
    }
    const mistyped = await latchkey(['write-off', await name(), '--reason', 'sold'], 'something else\n')
    expect(mistyped.code).not.toBe(0)
    expect(mistyped.out).toContain('Nothing is proved gone')
    const done = await latchkey(['write-off', await name(), '--reason', 'sold'], `${await name()}\n`)
    expect(done, done.out).toMatchObject({ code: 0 })
    expect(done.out).toContain(`latchkey receipt ${grantId}`)
    const receipt = await latchkey(['receipt', grantId])
    expect(receipt.out).toMatch(/NOT PROVED: written off by .*, because sold \(a different system answers/)
    expect(receipt.out).toContain('NOT LOOKED AT')
    expect(receipt.out).not.toMatch(/\byes\b/)
    expect((await latchkey(['grants', '--all', '--ended'])).out).toMatch(/written_off/)

    relay.leadTo(here.address)
    await resume()
    await waitFor('the sweep to have found it', async () => {
      await admin().post(`${at()}/sweep`)
      return (await traces(here)).length === 0
    })
    expect((await latchkey(['receipt', grantId])).out).toMatch(/Its system came back[\s\S]*yes/)
  }, 60_000)
})
