import { rm } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { verify } from '../../src/audit/verify.ts'
import { hashOf, randomToken } from '../../src/identity/tokens/api-token.ts'
import { newId } from '../../src/platform/ids.ts'
import { Database } from '../../src/platform/postgres/database.ts'
import type { Api } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { expectNoContradictions } from '../support/contradictions.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import type { FreshDatabase } from '../support/database.ts'
import { daemonOf010, databaseOf010, STORY, targetOf010 } from '../support/former-release.ts'
import { beganInTurn } from '../support/in-turn.ts'
import { lastServed, traces, tries } from '../support/world.ts'

const LENT = 'kv/data/app/db/replica'

describe.each(await serversUnderTest())('a daemon of 0.1.0 beside this one, on $product $version', (binary) => {
  const key = Buffer.from(STORY.key, 'hex')
  const program = daemonOf010()
  let vault: VaultServer
  let database: FreshDatabase
  let older: Daemon
  let newer: Broker
  /** tokens of people, good at both */
  let [alice, bob] = ['', '']
  let ending: { readonly id: string; readonly token: string }
  /** when it was asked for last, and had */
  let lastUse: Promise<Date>

  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    database = await databaseOf010()
    await targetOf010(vault, database)
    const env = { LATCHKEY_KEY: key.toString('base64'), LATCHKEY_INSTANCE: '4711081542', LATCHKEY_DEVELOPMENT: 'true' }
    older = await startDaemon({ database, env, former: { program, adminToken: 'that of the newer one' } })
    ;[alice, bob] = [await tokenFor(STORY.alice), await tokenFor(STORY.bob)]
    ending = await lent(older.api(alice), 25)
    lastUse = lastServed(vault, database, ending.token, LENT)
    lastUse.catch(() => {}) // the test that waits for it says why
    expect(await database.query(`select 1 from migrations where name like 'Ends%'`), 'it is at the schema of 0.1.0').toEqual([])
    newer = await startBroker({ database, key })
  })
  afterAll(async () => {
    await older?.close()
    await newer?.close()
    await database?.drop()
    await vault?.stop()
    await rm(path.resolve(program, '../../..'), { recursive: true, force: true })
  })

  /** As both releases keep it. */
  async function tokenFor(userId: string): Promise<string> {
    const token = randomToken().reveal()
    await database.query(
      `insert into api_tokens (id, user_id, name, hash, scopes, created_by, makers, expires_at)
       values ($1, $2, 'test', $3, '{read,request,approve}', $2, array[$2], now() + interval '1 day')`,
      [newId('tok'), userId, hashOf(token)],
    )
    return token
  }

  const until = (who: Api, id: string, state: string) =>
    waitFor(`${id} to be ${state}`, async () => (await who.must(who.get(`/api/grants/${id}`))).state === state, 60_000)

  /** Asked for where nobody need approve, and opened. */
  async function lent(who: Api, seconds = 3600): Promise<{ id: string; token: string }> {
    const [asked] = await database.query<{ flowId: string; resourceId: string }>(
      `select q.flow_id as "flowId", r.resource_id as "resourceId" from access_requests q join access_request_resources r on r.request_id = q.id
       where q.id = $1`,
      [STORY.half.replace('grt_', 'req_')],
    )
    const { flowId, resourceId } = asked!
    const wish = { flowId, resources: [{ resourceId, permissions: ['read'] }], seconds, justification: 'a look' }
    const { grantId: id } = await who.must(who.post('/api/access-requests', wish))
    await until(who, id, 'active')
    const { fields } = await who.must(who.post(`/api/grants/${id}/open`))
    const wrapped = fields.find(({ name }: { name: string }) => /wrapping/i.test(name)).value
    const answer = await vault.api('POST', 'sys/wrapping/unwrap', {}, { 'x-vault-token': wrapped })
    const token = answer.body.auth.client_token
    expect(await tries(vault, token, 'GET', LENT)).toBe(200)
    return { id, token }
  }

  async function isProved(id: string): Promise<void> {
    const who = newer.api(alice)
    const { evidence } = await who.must(who.get(`/api/grants/${id}/receipt`))
    expect(evidence.length).toBeGreaterThanOrEqual(3)
    expect(evidence.every((piece: { gone: boolean }) => piece.gone)).toBe(true)
  }

  it('goes on through the migration, and what it lent before ends on time, and nobody has it afterwards', async () => {
    const { id: later } = await lent(newer.api(alice))
    const who = newer.api(alice)
    const takeBack = () => who.must(who.post(`/api/grants/${later}/give-back`))
    expect(await beganInTurn(database, { ending: ending.id, later, takeBack })).toBe(true)
    await until(older.api(alice), ending.id, 'expired')
    const ends = 'select $2 <= expires_at as "lastUseWasBefore", cut_at >= expires_at as "cutWasAfter" from grants where id = $1'
    expect(await database.query(ends, [ending.id, await lastUse])).toEqual([{ lastUseWasBefore: true, cutWasAfter: true }])
    await isProved(ending.id)
  })

  it('lends, and the newer one takes it back with a receipt', async () => {
    const { id, token } = await lent(older.api(alice))
    const who = newer.api(alice)
    await who.must(who.post(`/api/grants/${id}/give-back`))
    await until(who, id, 'revoked')
    expect(await tries(vault, token, 'GET', LENT)).toBe(403)
    await isProved(id)
  })

  it('takes back what the newer one lent', async () => {
    const { id, token } = await lent(newer.api(alice))
    const who = older.api(alice)
    await who.must(who.post(`/api/grants/${id}/give-back`))
    await until(who, id, 'revoked')
    expect(await tries(vault, token, 'GET', LENT)).toBe(403)
    await isProved(id)
  })

  it('is refused by the database where it would decide on a request, and nothing is half done', async () => {
    const place = `/api/access-requests/${STORY.pendingRequest}`
    const yes = { decision: 'approve', reason: '' }
    expect(await older.api(bob).post(`${place}/approvals`, yes)).toMatchObject({ status: 500 })
    const who = newer.api(bob)
    expect(await who.must(who.get(place))).toMatchObject({ state: 'pending' })
    expect(await who.must(who.post(`${place}/approvals`, yes))).toMatchObject({ state: 'approved' })
    expect(older.log()).toContain('there is no unique or exclusion constraint matching the ON CONFLICT specification')
  })

  it('keeps secrets as it always did, which the newer one can read once it starts again', async () => {
    const by = older.api(newer.adminToken)
    const config = { address: vault.address, auth: STORY.approle }
    await by.must(by.post('/api/integrations', { plugin: 'vault', name: 'by the older one', config, skipTest: true }))
    const hook = { name: 'by the older one', url: 'https://receiver.example/x', events: ['grant.active'] }
    await by.must(by.post('/api/webhooks', hook))
    expect(await formsOfSecrets()).toEqual({ integrations: ['lk1', 'lk2'], webhooks: ['lk1'] })
    await newer.close()
    newer = await startBroker({ database, key })
    expect(await formsOfSecrets()).toEqual({ integrations: ['lk2', 'lk2'], webhooks: ['lk2'] })
  })

  it('starts again on the database that was migrated, and reaches no target', async () => {
    const { id } = await lent(newer.api(alice))
    await older.kill()
    await older.start()
    const who = older.api(alice)
    expect(await who.must(who.get(`/api/grants/${ending.id}`))).toMatchObject({ state: 'expired' })
    expect(await who.post(`/api/grants/${id}/open`)).toMatchObject({
      status: 503,
      body: { code: 'unavailable', message: expect.stringContaining('is not what the broker sealed there') },
    })
    const now = newer.api(alice)
    // An opening that failed is given up after a while.
    await waitFor('the newer one to open it', async () => (await now.post(`/api/grants/${id}/open`)).status < 300)
  })

  /** What the sealed texts in the database begin with. */
  async function formsOfSecrets(): Promise<Record<string, string[]>> {
    const formsIn = async (table: string) => {
      const kept = await database.query<{ form: string }>(
        `select split_part(sealed, '.', 1) as form from ${table} where sealed is not null order by form`,
      )
      return kept.map(({ form }) => form)
    }
    return { integrations: await formsIn('integrations'), webhooks: await formsIn('webhooks') }
  }

  it('leaves nothing in the target, no contradiction in the books and one whole trail', async () => {
    const { admin } = newer
    const left = `select id from grants where state not in ('expired', 'revoked', 'failed')`
    await waitFor('all access to have ended', async () => {
      const grants = await database.query<{ id: string }>(left)
      for (const { id } of grants) await admin.post(`/api/grants/${id}/revoke`, { reason: 'the test is over' })
      return grants.length === 0
    })
    expect(await traces(vault)).toEqual([])
    await expectNoContradictions(database)
    expect(await verify(newer.app.get(Database))).toMatchObject({ ok: true })
  })
})
