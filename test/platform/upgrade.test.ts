import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { verify } from '../../src/audit/verify.ts'
import { Database } from '../../src/platform/postgres/database.ts'
import type { Api } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { expectNoContradictions } from '../support/contradictions.ts'
import type { FreshDatabase } from '../support/database.ts'
import { databaseOf010, STORY, targetOf010 } from '../support/former-release.ts'
import { beganInTurn } from '../support/in-turn.ts'
import { ownToken } from '../support/own-token.ts'
import { lastServed, traces, tries } from '../support/world.ts'

describe.each(await serversUnderTest())('access that 0.1.0 lent, after the update, on $product $version', (binary) => {
  let vault: VaultServer
  let database: FreshDatabase
  let broker: Broker
  let alice: Api
  let bob: Api
  /** of the grant whose password was handed over: works while nobody runs, and to its end */
  let theirs = ''
  /** when it was asked for last, and had */
  let lastUse: Promise<Date>
  let receiptBefore: unknown
  let eventsBefore = 0

  beforeAll(async () => {
    vault = await startVaultServer({ binary })
    database = await databaseOf010()
    // One came to its end while nobody ran, one comes to it soon.
    const end = `with ending as (
        update grants set begins_at = begins_at - interval '2 hours', expires_at = until, target_until = until
        from date_trunc('milliseconds', clock_timestamp() + make_interval(secs => $2)) as until where id = $1 returning id, until)
      update due_work w set run_at = until from ending where w.subject = ending.id and w.kind = 'grant.end'`
    await database.query(end, [STORY.overdue, -60])
    await database.query(end, [STORY.password, 15])
    await targetOf010(vault, database)
    const { username, password } = STORY.passwordFields
    theirs = (await vault.api('POST', `auth/apono/login/${username}`, { password })).body.auth.client_token
    lastUse = lastServed(vault, database, theirs, 'kv/data/app/cache')
    lastUse.catch(() => {}) // the test that waits for it says why
    receiptBefore = (await database.query('select receipt from grants where id = $1', [STORY.ended]))[0]
    eventsBefore = (await database.query('select 1 from audit_events')).length
    broker = await startBroker({ database, key: Buffer.from(STORY.key, 'hex') })
    const scopes = ['read', 'request', 'approve']
    alice = broker.api((await ownToken(database, STORY.alice, scopes)).token)
    bob = broker.api((await ownToken(database, STORY.bob, scopes)).token)
  })
  afterAll(async () => {
    await broker?.close()
    await database?.drop()
    await vault?.stop()
  })

  const until = (who: Api, id: string, state: string) =>
    waitFor(`${id} to be ${state}`, async () => (await who.must(who.get(`/api/grants/${id}`))).state === state, 60_000)
  const receiptOf = async (who: Api, id: string) => who.must(who.get(`/api/grants/${id}/receipt`))
  const opened = async (who: Api, id: string): Promise<string> => {
    const { fields } = await who.must(who.post(`/api/grants/${id}/open`))
    const wrapped = fields.find(({ name }: { name: string }) => /wrapping/i.test(name)).value
    return (await vault.api('POST', 'sys/wrapping/unwrap', {}, { 'x-vault-token': wrapped })).body.auth.client_token
  }

  it('ends by itself, on time and with a receipt, and nobody has it afterwards, also what came to its end, or was half given back, while nobody ran', async () => {
    const takeBack = () => broker.admin.must(broker.admin.post(`/api/grants/${STORY.emergency}/revoke`, { reason: 'it is out' }))
    expect(await beganInTurn(database, { ending: STORY.password, later: STORY.emergency, takeBack })).toBe(true)
    await until(alice, STORY.password, 'expired')
    await until(bob, STORY.overdue, 'expired')
    await until(alice, STORY.leaving, 'revoked')
    const { username, password } = STORY.passwordFields
    expect((await vault.api('POST', `auth/apono/login/${username}`, { password })).body?.auth).toBeUndefined()
    const ends = 'select $2 <= cut_at as "lastUseWasBefore", cut_at >= expires_at as "cutWasAfter" from grants where id = $1'
    expect(await database.query(ends, [STORY.password, await lastUse])).toEqual([{ lastUseWasBefore: true, cutWasAfter: true }])
    for (const [who, id] of [
      [alice, STORY.password],
      [bob, STORY.overdue],
      [alice, STORY.leaving],
    ] as const) {
      const { evidence } = await receiptOf(who, id)
      expect(evidence.length).toBeGreaterThanOrEqual(3)
      expect(evidence.every((piece: { gone: boolean }) => piece.gone)).toBe(true)
    }
  })

  it('is opened as before, extended by the approval that was waited for, and given back', async () => {
    const orders = await opened(bob, STORY.unopened)
    expect(await tries(vault, orders, 'POST', 'transit/encrypt/orders', { plaintext: 'aGVsbG8=' })).toBe(200)
    const before = (await alice.must(alice.get(`/api/grants/${STORY.token}`))).expiresAt
    const more = { decision: 'approve', reason: '' }
    await bob.must(bob.post(`/api/access-requests/${STORY.pendingExtension}/approvals`, more))
    const extended = await alice.must(alice.get(`/api/grants/${STORY.token}`))
    expect(Date.parse(extended.expiresAt) - Date.parse(before)).toBe(300_000)
    await waitFor('the new end to be in the target', async () => {
      const [grant] = await database.query('select target_until = expires_at as told from grants where id = $1', [STORY.token])
      return grant?.['told'] === true
    })
    const db = await opened(alice, STORY.token)
    expect(await tries(vault, db, 'GET', 'kv/data/app/db')).toBe(200)
    for (const [who, id] of [
      [bob, STORY.unopened],
      [alice, STORY.token],
    ] as const) {
      await who.must(who.post(`/api/grants/${id}/give-back`))
      await until(who, id, 'revoked')
    }
    expect(await tries(vault, orders, 'POST', 'transit/encrypt/orders', { plaintext: 'aGVsbG8=' })).toBe(403)
    expect(await tries(vault, db, 'GET', 'kv/data/app/db')).toBe(403)
  })

  it('is given where it was approved, or still waited for approval', async () => {
    await until(bob, STORY.half, 'active')
    expect(await tries(vault, await opened(bob, STORY.half), 'GET', 'kv/data/app/db/replica')).toBe(200)
    const approved = await bob.must(
      bob.post(`/api/access-requests/${STORY.pendingRequest}/approvals`, { decision: 'approve', reason: '' }),
    )
    expect(approved).toMatchObject({ kind: 'access', state: 'approved' })
    await until(alice, approved.grantId, 'active')
    const stripe = await opened(alice, approved.grantId)
    expect(await tries(vault, stripe, 'GET', 'kv/data/team/payments/stripe')).toBe(200)
    for (const [who, id] of [
      [bob, STORY.half],
      [alice, approved.grantId],
    ] as const) {
      await who.must(who.post(`/api/grants/${id}/give-back`))
      await until(who, id, 'revoked')
    }
  })

  it('in an emergency, taken back since, still waits for its review, which somebody else closes', async () => {
    const { items } = await broker.admin.must(broker.admin.get('/api/emergency-reviews?state=open'))
    expect(items).toEqual([expect.objectContaining({ requestId: STORY.emergency.replace('grt_', 'req_'), reason: 'fire' })])
    await broker.admin.must(broker.admin.post(`/api/emergency-reviews/${items[0].id}/close`, { note: 'seen' }))
    await until(bob, STORY.emergency, 'revoked')
  })

  it('leaves nothing in the target, no contradiction in the books, the old receipt as it was, and one whole trail', async () => {
    expect(await traces(vault)).toEqual([])
    await expectNoContradictions(database)
    expect((await database.query('select receipt from grants where id = $1', [STORY.ended]))[0]).toEqual(receiptBefore)
    const verdict = await verify(broker.app.get(Database))
    expect(verdict).toMatchObject({ ok: true })
    expect(verdict.events).toBeGreaterThan(eventsBefore)
  })
})
