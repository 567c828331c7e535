import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { parsePolicyComment } from '../../plugins/vault/policy.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import type { CallUnderWay, Reply } from '../support/fault-proxy.ts'
import { getsIn, type Stage, setStage } from '../support/stage.ts'
import { traces } from '../support/world.ts'

const SEALED = { status: 503, headers: { 'content-type': 'application/json' }, body: '{"errors":["Vault is sealed"]}' }

describe('what keeps an end from being forgotten', { timeout: 120_000 }, () => {
  let stage: Stage<Broker>

  beforeAll(async () => {
    stage = await setStage(startBroker)
  })
  afterAll(async () => {
    await stage?.close()
  })

  const stateOf = async (grantId: string) => (await stage.home.admin.get(`/api/grants/${grantId}`)).body

  it.each([
    ['is lost', 'delete from due_work where subject = $1'],
    [
      'is put far too late',
      `update due_work set run_at = clock_timestamp() + interval '1 h', version = version + 1 where subject = $1`,
    ],
  ])('ends a grant at its time although the row of its end %s', async (_, harm) => {
    const { alice } = stage.world
    const grantId = await stage.world.grant(alice, { seconds: 3 })
    await stage.database.query(harm, [grantId])
    expect(await stage.world.until(alice, grantId, 'expired', 30_000)).toMatchObject({ endReason: 'expired' })
    expect(await traces(stage.vault)).toEqual([])
  })

  it('takes up again the cut and the cleaning whose rows are lost', async () => {
    const { alice } = stage.world
    const all = () => false
    const butTheUser = (call: CallUnderWay) => !call.name?.startsWith('DELETE auth')
    for (const passes of [all, butTheUser]) {
      const id = await stage.world.grant(alice, { seconds: 3600 })
      stage.proxy.always(async (call) => call.reply(passes(call) ? await call.forward() : SEALED))
      await alice.api.post(`/api/grants/${id}/give-back`)
      await waitFor('the end to fail', async () => (await stateOf(id)).problem !== null)
      await waitFor('its row to be lost', async () => {
        await stage.database.query('delete from due_work where subject = $1', [id])
        return (await stage.database.query('select 1 from due_work where subject = $1', [id])).length === 0
      })
      stage.proxy.always(undefined)
      await stage.world.until(alice, id, 'revoked', 30_000)
    }
    expect(await traces(stage.vault)).toEqual([])
  })

  it('leaves a target alone for longer and longer while it is away', async () => {
    const { alice } = stage.world
    const grantId = await stage.world.grant(alice, {})
    stage.proxy.always((call) => call.reply(SEALED))
    await alice.api.post(`/api/grants/${grantId}/give-back`)
    const untilNext = async () => {
      const [row] = await stage.database.query<{ wait: number; attempts: number }>(
        `select attempts, extract(epoch from run_at - clock_timestamp())::float as wait from due_work where subject = $1 and locked_by is null`,
        [grantId],
      )
      return row ?? { wait: 0, attempts: 0 }
    }
    const aPauseOf = (seconds: number) =>
      waitFor(`a pause of ${seconds} s`, async () => {
        const next = await untilNext()
        return next.wait > seconds && next
      })
    // The first pause is a fifth of a second: at the same pace all the time it never waits so long.
    for (const seconds of [0.5, 1]) await aPauseOf(seconds)
    const { attempts } = await aPauseOf(2)
    const later = await waitFor('two tries more', async () => {
      const next = await untilNext()
      return next.attempts >= attempts + 2 && next
    })
    expect(later.wait, 'and never so long that nobody notices it is back').toBeLessThanOrEqual(4)
    stage.proxy.always(undefined)
    await stage.world.until(alice, grantId, 'revoked')
  })

  it('calls a grant stuck that cannot be ended for minutes, says so once, and goes on until it is over', async () => {
    const { alice } = stage.world
    const grantId = await stage.world.grant(alice, {})
    const opened = await stage.world.open(alice, grantId)
    stage.proxy.always((call) => call.reply(SEALED))
    await alice.api.post(`/api/grants/${grantId}/give-back`)
    await waitFor('the end to fail', async () => (await stateOf(grantId)).problem !== null)
    expect(await stateOf(grantId)).toMatchObject({ state: 'revoking' })
    // As if minutes had passed.
    await stage.database.query(`update grants set revoking_at = revoking_at - interval '6 min' where id = $1`, [grantId])
    await stage.world.until(alice, grantId, 'stuck')
    expect(await stateOf(grantId)).toMatchObject({ problem: { code: 'target.unready' } })
    stage.proxy.always(undefined)
    await stage.world.until(alice, grantId, 'revoked', 30_000)
    expect(await getsIn(stage.vault, opened)).toBe(false)
    const said = await stage.database.query(`select 1 from audit_events where kind = 'grant.stuck' and subject = $1`, [grantId])
    expect(said).toHaveLength(1)
  })

  it('writes an extension into the target, and its row of work when that is lost', async () => {
    const { alice } = stage.world
    const flow = await stage.world.flow({ extensions: { count: 2, maxSeconds: 600 } })
    const grantId = await stage.world.grant(alice, { flowId: flow.id, seconds: 300 })
    const steps = await alice.api.must(alice.api.get(`/api/grants/${grantId}/steps`))
    const place = steps.find((step: { kind: string }) => step.kind === 'policy').target
    await alice.api.must(alice.api.post(`/api/grants/${grantId}/extend`, { seconds: 600 }))
    await stage.database.query(`delete from due_work where subject = $1 and kind = 'grant.extend' and locked_by is null`, [
      grantId,
    ])
    const { expiresAt } = await stateOf(grantId)
    await waitFor(
      'the new end in the target',
      async () => {
        const { policy } = (await stage.vault.api('GET', place)).body.data
        return parsePolicyComment(policy)?.until.toISOString() === expiresAt
      },
      30_000,
    )
    await alice.api.post(`/api/grants/${grantId}/give-back`)
    await stage.world.until(alice, grantId, 'revoked')
  })

  it('is no sweep that ends what was extended since it looked', async () => {
    const { alice } = stage.world
    const flow = await stage.world.flow({ extensions: { count: 2, maxSeconds: 600 } })
    const grantId = await stage.world.grant(alice, { flowId: flow.id, seconds: 3600 })
    const steps = await alice.api.must(alice.api.get(`/api/grants/${grantId}/steps`))
    const place = steps.find((step: { kind: string }) => step.kind === 'policy').target
    const { policy, expiration } = (await stage.vault.api('GET', place)).body.data
    await stage.vault.api('DELETE', place)
    const held = Promise.withResolvers<CallUnderWay>()
    const released = Promise.withResolvers<void>()
    let looks = 0
    stage.proxy.always(async (call) => {
      const answer: Reply = await call.forward()
      if (call.name === 'GET sys/policies/acl/:policy') looks += 1
      // The sweep reads all policies first, which does not have this one; then it looks twice.
      if (call.name === 'GET sys/policies/acl/:policy' && looks === 2) {
        held.resolve(call)
        await released.promise
      }
      await call.reply(answer)
    })
    const sweep = stage.home.admin.post(`/api/integrations/${stage.world.integrationId}/sweep`)
    await held.promise
    await alice.api.must(alice.api.post(`/api/grants/${grantId}/extend`, { seconds: 600 }))
    await stage.vault.api('PUT', place, { policy, ...(expiration && { expiration }) })
    released.resolve()
    expect((await sweep).body).toMatchObject({ altered: [] })
    stage.proxy.always(undefined)
    expect(await stateOf(grantId)).toMatchObject({ state: 'active', extensions: 1 })
    await alice.api.post(`/api/grants/${grantId}/give-back`)
    await stage.world.until(alice, grantId, 'revoked')
    expect(await traces(stage.vault)).toEqual([])
  })
})
