import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type PolicyDocument, policyText } from '../../plugins/vault/policy.ts'
import { expectNoContradictions } from './contradictions.ts'
import type { FreshDatabase } from './database.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { furnished, type Habitable, inhabit, type Opened, traces, tries, usersOfGrants, type World } from './world.ts'

/** A broker, a server, and the proxy between them: where one case after another is played. */
export interface Stage<Home extends Habitable = Habitable> {
  readonly world: World<Home>
  readonly home: Home
  readonly vault: VaultServer
  readonly proxy: FaultProxy
  readonly database: FreshDatabase
  /** an automatic flow that delivers passwords */
  readonly passwords: { readonly id: string }
  close(): Promise<void>
}

/** The broker reaches its server through the proxy and nowhere else. */
export async function setStage<Home extends Habitable & { readonly database: FreshDatabase }>(
  start: () => Promise<Home>,
  settings: Record<string, unknown> = {},
): Promise<Stage<Home>> {
  const vault = await startVaultServer({ audit: false })
  const [home, proxy, config] = await Promise.all([start(), startFaultProxy(vault.address), furnished(vault, settings)])
  const world = await inhabit(home, vault, { ...config, address: proxy.url, deliveries: ['token', 'password'], ...settings })
  const stage: Stage<Home> = {
    world,
    home,
    vault,
    proxy,
    database: home.database,
    passwords: await world.flow({ delivery: 'password' }),
    async close() {
      await home.close()
      await proxy.close()
      await vault.stop()
    },
  }
  await untilIdle(stage)
  return stage
}

/** Makes the broker connect again: it is logged in and has probed the server, and knows nothing else of it from before. */
export async function connectAnew({ world, home: { admin } }: Stage): Promise<void> {
  const accessDetails = randomBytes(8).toString('hex')
  await admin.must(admin.patch(`/api/integrations/${world.integrationId}`, { accessDetails }))
  await admin.must(admin.post(`/api/integrations/${world.integrationId}/health`))
}

/** Until what every start does of itself is over, and the calls that come are those of grants. */
export async function untilIdle(stage: Stage, since = new Date(0)): Promise<void> {
  await waitFor('the work of the start to be done', async () => {
    const [idle] = await stage.database.query(
      `select 1 from integrations i where id = $1 and health_at > $2 and not exists (
         select 1 from due_work w where w.lane = 'background' and (w.locked_by is not null or w.run_at < clock_timestamp()))`,
      [stage.world.integrationId, since],
    )
    return idle !== undefined && stage.proxy.quietMs() > 50
  })
}

/** The user is there, and the policy is what the journal says, to the letter. */
export async function expectExact({ vault, database }: Stage, grantId: string): Promise<void> {
  const [grant] = await database.query<{ run: string; until: Date; instance: string }>(
    'select run_id as run, expires_at as until, instance from grants, installation where id = $1',
    [grantId],
  )
  const steps = await database.query<{ target: string; document: PolicyDocument | null }>(
    `select target, args -> 'document' as document from action_steps where run_id = $1 order by position`,
    [grant?.run],
  )
  const [user, policy] = await Promise.all(steps.map(({ target }) => vault.api('GET', target)))
  const name = steps[1]?.target.split('/').at(-1)
  expect(user?.body?.data).toMatchObject({ token_policies: [name], token_no_default_policy: true })
  const stamp = { instance: grant?.instance ?? '', runId: grant?.run ?? '', until: grant?.until ?? new Date(0) }
  const { policy: text, expiration } = policy?.body?.data ?? {}
  expect(text).toBe(policyText(steps[1]!.document!, stamp, expiration !== undefined))
}

/** Opening works, and what was handed over before does not: of all there ever was, one credential gets in. */
export async function expectOneCredential(stage: Stage, grantId: string, former: Opened | undefined): Promise<Opened> {
  const { vault, world } = stage
  const opened = await world.open(world.alice, grantId)
  expect(await getsIn(vault, opened)).toBe(true)
  if (former) expect(await getsIn(vault, former)).toBe(false)
  const users = await usersOfGrants(vault)
  expect(users).toHaveLength(1)
  // The server lets go of the wrapping that was just opened a moment later.
  await waitFor('one token to be left', async () => {
    const leases = await vault.api('GET', `sys/leases/lookup/auth/apono/login/${users[0]}?list=true`)
    return leases.body?.data?.keys.length === 1
  })
  return opened
}

/** Whether a credential opens what was granted, and nothing beside it. */
export async function getsIn(vault: VaultServer, { fields, token }: Opened): Promise<boolean> {
  const mine = token || (await loggedIn(vault, fields))
  if (!mine) return false
  const granted = await tries(vault, mine, 'GET', 'kv/data/app/db')
  expect(await tries(vault, mine, 'GET', 'kv/data/app/cache')).toBe(403)
  return granted === 200
}

async function loggedIn(vault: VaultServer, { username, password }: Record<string, string>): Promise<string | undefined> {
  const { body } = await vault.api('POST', `auth/apono/login/${username}`, { password })
  return body?.auth?.client_token
}

/** Ends whatever still runs; then the server is as it was before there was a broker, and the books agree. */
export async function expectNothingLeft(
  { world, home, vault, database }: Stage,
  ...former: (Opened | undefined)[]
): Promise<void> {
  for (const { id } of await database.query<{ id: string }>('select id from grants where ended_at is null')) {
    await home.admin.post(`/api/grants/${id}/revoke`, { reason: 'the case is over' })
    await world.until(world.alice, id, /expired|revoked|failed/)
  }
  expect(await traces(vault)).toEqual([])
  await expectNoContradictions(database)
  for (const opened of former) if (opened) expect(await getsIn(vault, opened)).toBe(false)
}
