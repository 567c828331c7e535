import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { waitFor } from '../../../dev/vault/vault-wait.ts'
import { grantAccess } from '../../../plugins/vault/actions/grant-access.ts'
import { collected, givenAGrant, type ProvisionedGrant, shown, takeBack } from './vault-grant.ts'
import { inMinutes, secretAt, type VaultWorld, vaultWorld } from './vault-world.ts'

describe.each(await serversUnderTest())('A grant on $product', (binary) => {
  let world: VaultWorld
  beforeAll(async () => {
    world = await vaultWorld({}, binary)
    await world.api('POST', 'kv/data/app/db', { data: { for: 'the grantee' } })
  })
  afterAll(() => world?.stop())

  const open = ({ ctx, steps }: ProvisionedGrant, delivery: 'token' | 'password' = 'token') =>
    grantAccess.open(ctx, steps, delivery)
  const readsDb = async (token: string) =>
    (await world.api('GET', 'kv/data/app/db', undefined, { 'x-vault-token': token })).status
  const logIn = async ({ username }: ProvisionedGrant, password = ''): Promise<string> =>
    (await world.api('POST', `auth/apono/login/${username}`, { password }, { 'x-vault-token': '' })).body.auth.client_token

  it.each(['token', 'password'] as const)(
    'ends by itself, at its end and not later, with the broker gone: %s',
    async (delivery) => {
      if (delivery === 'password' && binary.product === 'vault') return // there the broker ends it, and says so
      // A tenth of a second past a whole one: an end that is rounded would come late, or early.
      const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + 3_100)
      const grant = await givenAGrant(world, [secretAt('app/db', 'read')], { until })
      const credential = await open(grant, delivery)
      expect(credential.endsAt.getTime()).toBeLessThanOrEqual(until.getTime())
      // With a password one logs in as often as one likes, and each token would live on for a while.
      const password = delivery === 'password' ? shown(credential, 'password') : undefined
      const kept = password === undefined ? await collected(world, credential) : undefined
      let lastServed = 0
      let refused = 0
      await waitFor('the access to end', async () => {
        const asked = Date.now()
        const status = await readsDb(kept ?? (await logIn(grant, password)))
        if (status === 200) lastServed = asked
        else refused = Date.now()
        return status === 403
      })
      expect(lastServed).toBeGreaterThan(0)
      expect(lastServed).toBeLessThanOrEqual(until.getTime())
      expect(refused).toBeGreaterThan(credential.endsAt.getTime() - 100)
    },
  )

  it('stands as it was written by an earlier version, which rounded its end up', async () => {
    const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + 600_100)
    const grant = await givenAGrant(world, [secretAt('app/db', 'read')], { until })
    const { policy, expiration } = (await world.api('GET', `sys/policies/acl/${grant.policy}`)).body.data
    const rounded = new Date(until.getTime() + 900).toISOString().replace('.000Z', 'Z')
    const former = policy.replaceAll(`"expiration":"${until.toISOString()}"`, `"expiration":"${rounded}"`)
    expect(former === policy).toBe(expiration === undefined)
    await world.api('POST', `sys/policies/acl/${grant.policy}`, { policy: former, ...(expiration && { expiration: rounded }) })
    expect(await grantAccess.verify!(grant.ctx, grant.steps)).toMatchObject([{ holds: true }, { holds: true }])
    await takeBack(grant)
  })

  it('ends in time although the database’s clock is behind the server’s', async () => {
    const until = inMinutes(5)
    const grant = await givenAGrant(world, [secretAt('app/db', 'read')], { until })
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 20_000 })
    const credential = await open(grant).finally(() => vi.useRealTimers())
    const token = await collected(world, credential)
    const self = await world.api('GET', 'auth/token/lookup-self', undefined, { 'x-vault-token': token })
    expect(Date.parse(self.body.data.expire_time)).toBeLessThanOrEqual(until.getTime())
    expect(Date.parse(self.body.data.expire_time)).toBeGreaterThan(until.getTime() - 3_000)
  })
})
