import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type Opened, startWorld, traces, tries, type World } from '../support/world.ts'

describe.each(await serversUnderTest())('what is handed over, on $product $version,', (binary) => {
  let vault: VaultServer
  let world: World
  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    world = await startWorld(vault, { settings: { timeoutSeconds: 2, deliveries: ['token', 'password'] } })
  }, 120_000)
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
  })

  it('comes with what the integration’s owner wants people to know', async () => {
    const { alice, broker, integrationId } = world
    const accessDetails = 'Prices are in <cents>.\nAsk #payments before you write.'
    await broker.admin.must(broker.admin.patch(`/api/integrations/${integrationId}`, { accessDetails }))
    const grantId = await world.grant(alice, {})
    expect((await alice.api.get(`/api/grants/${grantId}`)).body.accessDetails).toBe(accessDetails)
    expect((await alice.api.post(`/api/grants/${grantId}/open`)).body.accessDetails).toBe(accessDetails)
    await alice.api.must(alice.api.post(`/api/grants/${grantId}/give-back`))
    expect((await world.until(alice, grantId, 'revoked')).accessDetails).toBeNull()
  })

  it('lasts as long as was asked from the moment it can be used, however late that is', async () => {
    const flow = await world.flow()
    await vault.seal()
    const asked = await world.request(world.alice, { flowId: flow.id, seconds: 300 })
    const waiting = await world.until(world.alice, asked.grantId!, 'provisioning')
    expect(waiting).toMatchObject({ beginsAt: null, expiresAt: null })
    const [{ now }] = (await world.broker.database.query<{ now: Date }>('select clock_timestamp() as now')) as [{ now: Date }]
    await vault.unseal()
    const grant = await world.until(world.alice, asked.grantId!, 'active', 30_000)
    expect(Date.parse(grant.beginsAt)).toBeGreaterThan(now.getTime())
    expect(Date.parse(grant.expiresAt) - Date.parse(grant.beginsAt)).toBe(300_000)
  })

  it('shows that somebody else has unwrapped it, and one report ends what they got', async () => {
    const { alice } = world
    const grantId = await world.grant(alice, {})
    const { token: stolen } = await world.open(alice, grantId)
    expect(await tries(vault, stolen, 'GET', 'kv/data/app/db')).toBe(200)
    expect((await alice.api.get(`/api/grants/${grantId}/credential`)).body).toMatchObject({
      state: 'collected',
      collectedAt: expect.any(String),
    })
    await alice.api.must(alice.api.post(`/api/grants/${grantId}/report`, { note: 'it was opened before I came' }))
    const over = await world.until(alice, grantId, 'revoked')
    expect(over).toMatchObject({ endReason: 'reported', endNote: 'it was opened before I came' })
    expect(await tries(vault, stolen, 'GET', 'kv/data/app/db')).toBe(403)
    const trail = (await world.broker.admin.get(`/api/audit?subject=${grantId}`)).body.items
    expect(trail.map(({ kind }: { kind: string }) => kind)).toContain('grant.revoked')
  })

  it('is void when nobody collects it', async () => {
    const { alice } = world
    const grantId = await world.grant(alice, {})
    const { body } = await alice.api.post(`/api/grants/${grantId}/open`)
    const wrapping = body.fields.find(({ name }: { name: string }) => name === 'wrapping_token').value
    await alice.api.must(alice.api.post(`/api/grants/${grantId}/give-back`))
    await world.until(alice, grantId, 'revoked')
    expect((await vault.api('POST', 'sys/wrapping/unwrap', {}, { 'x-vault-token': wrapping })).status).toBeGreaterThanOrEqual(400)
    expect((await traces(vault)).length).toBe(
      (await world.broker.database.query(`select 1 from grants where ended_at is null`)).length * 2,
    )
  })
  it('is minted by one at a time when a grant is opened ten times at once, and only the newest is of use', async () => {
    const { alice } = world
    const grantId = await world.grant(alice, {})
    const answers = await Promise.all(Array.from({ length: 10 }, () => alice.api.post(`/api/grants/${grantId}/open`)))
    // Who comes when the first is through opens again; who comes meanwhile is told so.
    const winners = answers.filter(({ status }) => status === 200)
    const losers = answers.filter(({ status }) => status === 409)
    expect(winners.length).toBeGreaterThan(0)
    expect(losers.length).toBeGreaterThan(0)
    expect(winners.length + losers.length).toBe(10)
    expect(losers[0]?.body).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('being opened'),
      fix: expect.any(String),
    })
    const wrapped = winners.map(({ body }) => body.fields.find(({ name }: { name: string }) => name === 'wrapping_token').value)
    const tokens = await Promise.all(
      wrapped.map(async (token: string) => {
        const { body } = await vault.api('POST', 'sys/wrapping/unwrap', {}, { 'x-vault-token': token })
        return body.auth?.client_token as string | undefined
      }),
    )
    const reads = async () => {
      const statuses = await Promise.all(tokens.map(async (token) => token && tries(vault, token, 'GET', 'kv/data/app/db')))
      return statuses.filter((status) => status === 200).length
    }
    expect(await reads()).toBe(1)
    // Nobody was locked out of it, as many wrong passwords would have done.
    const { token } = await world.open(alice, grantId)
    expect(await tries(vault, token, 'GET', 'kv/data/app/db')).toBe(200)
    expect(await reads()).toBe(0)
  })

  it.each(['token', 'password'])(
    'goes on to its own end beside the %s that is opened after an extension, and no longer',
    async (delivery) => {
      const { alice } = world
      const flow = await world.flow({ extensions: { count: 3, maxSeconds: 3600 }, delivery })
      const grantId = await world.grant(alice, { flowId: flow.id, seconds: 8 })
      let opened: Opened | undefined
      const open = async () => {
        opened = await world.open(alice, grantId)
        return loggedIn(vault, opened)
      }
      const first = await open()
      const { expiresAt: firstEnd } = (await alice.api.get(`/api/grants/${grantId}`)).body
      await alice.api.must(alice.api.post(`/api/grants/${grantId}/extend`, { seconds: 600 }))
      const second = await open()
      const works = (token: string) => tries(vault, token, 'GET', 'kv/data/app/db')
      expect([await works(first), await works(second)]).toEqual([200, 200])
      await waitFor('the first to end', async () => (await works(first)) === 403, 15_000)
      const [{ now }] = (await world.broker.database.query<{ now: Date }>('select clock_timestamp() as now')) as [{ now: Date }]
      expect(now.getTime()).toBeGreaterThan(Date.parse(firstEnd) - 2_500)
      expect(await works(second)).toBe(200)
      // Opened once more, without another extension: what was opened before is cut.
      const third = await open()
      expect([await works(second), await works(third)]).toEqual([403, 200])
      await alice.api.must(alice.api.post(`/api/grants/${grantId}/give-back`))
      await world.until(alice, grantId, 'revoked')
      expect(await works(third)).toBe(403)
      const { mount, username, password } = opened!.fields
      if (!password) return
      const again = await vault.api('POST', `${mount}/login/${username}`, { password }, { 'x-vault-token': '' })
      expect(again.status, 'the very password that was handed over').toBe(400)
    },
  )
})

/** The token that was opened, or that the opened password gives. */
async function loggedIn(vault: VaultServer, { token, fields: { mount, username, password } }: Opened): Promise<string> {
  if (token) return token
  const { body } = await vault.api('POST', `${mount}/login/${username}`, { password }, { 'x-vault-token': '' })
  return body.auth.client_token
}
