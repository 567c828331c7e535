import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { run as latchkey } from '../../src/cli/main.ts'
import { startBroker } from '../support/broker.ts'
import { type Fault, type FaultProxy, pass, startFaultProxy } from '../support/fault-proxy.ts'
import { outpaced, spoiled } from '../support/faults.ts'
import { furnished, inhabit, type World } from '../support/world.ts'

const PATH = 'kv/data/app/db'
const BEFORE = { username: 'app', password: 'what was there before' }

describe.each(await serversUnderTest())(
  'A rotation that failed on $product and left something',
  { timeout: 60_000 },
  (binary) => {
    let vault: VaultServer
    let proxy: FaultProxy
    let world: World

    beforeAll(async () => {
      vault = await startVaultServer({ binary })
      const [broker, config] = await Promise.all([
        startBroker(),
        furnished(vault, { capabilities: ['discovery', 'rotate-secrets'] }),
      ])
      proxy = await startFaultProxy(vault.address)
      world = await inhabit(broker, vault, { ...config, address: proxy.url, capabilities: ['discovery', 'rotate-secrets'] })
    }, 120_000)
    beforeEach(async () => {
      proxy.always()
      await vault.api('POST', PATH, { data: BEFORE })
    })
    afterAll(async () => {
      await world?.close()
      await proxy?.close()
      await vault?.stop()
    })

    const admin = () => world.broker.admin
    const stored = async () => (await vault.api('GET', PATH)).body.data
    const get = async (id: string) => admin().must(admin().get(`/api/runs/${id}`))
    const until = (id: string, state: string) =>
      waitFor(`${id} to be ${state}`, async () => {
        const now = await get(id)
        return now.state === state && now
      })
    const order = async (): Promise<string> => {
      const input = { mount: 'kv', path: 'app/db', fields: { password: { by: 'recipe', length: 24 } } }
      const body = { integrationId: world.integrationId, action: 'rotate-kv-secret', input, reason: 'it leaked' }
      return (await admin().must(admin().post('/api/runs', body))).id
    }
    /** what becomes of the writes there, one after another; further ones go through */
    const atWrites = (...faults: Fault[]) =>
      proxy.always((call) => {
        if (call.method !== 'POST' || call.path !== PATH) return pass(call)
        return (faults.shift() ?? pass)(call)
      })
    /** It was spoiled on its way; and when it was to be undone at once, somebody else was writing. */
    const failed = async () => {
      await vault.api('POST', PATH, { data: BEFORE })
      atWrites(spoiled, outpaced)
      const id = await order()
      const now = await until(id, 'failed')
      expect(now).toMatchObject({ undoable: true, failure: { code: 'target.unverified' }, problem: { code: 'conflict' } })
      expect((await stored()).data).toEqual({ note: 'spoiled on its way' })
      return id
    }
    const preview = (id: string) => admin().must(admin().get(`/api/runs/${id}/rollback`))
    const rollBack = (id: string) => admin().post(`/api/runs/${id}/rollback`, { reason: 'the earlier one' })
    const cli = async (...words: string[]) => {
      const said: string[] = []
      const env = { LATCHKEY_CLI_URL: world.broker.url, LATCHKEY_CLI_TOKEN: world.broker.adminToken }
      const code = await latchkey(words, { env, print: (line) => said.push(line), tell: (line) => said.push(line) })
      return { code, said: said.join('\n') }
    }

    it('is taken back at the command line, and what was there before stands there again', async () => {
      const id = await failed()
      const { metadata } = await stored()
      expect((await cli('runs', id)).said).toContain(`latchkey rollback ${id}`)
      const { failure, problem } = await get(id)
      const receiptNow = await cli('receipt', id)
      expect((await cli('runs', id)).said).toContain(failure.message)
      expect(receiptNow.said).toContain(`Failed because ${failure.message}`)
      expect(receiptNow.said).toMatch(/Not taken back; it was to be by the broker/)
      expect(receiptNow.said).toContain(`It stands in the way: ${problem.message}`)
      const plan = await cli('rollback', id, '--plan')
      expect(plan.said).toMatch(/It can be taken back[\s\S]*is written again as version/)
      const back = await cli('rollback', id, '--reason', 'it was spoiled')
      expect(back.code, back.said).toBe(0)
      expect(await stored()).toMatchObject({ data: BEFORE, metadata: { version: metadata.version + 1 } })
      const receipt = await admin().must(admin().get(`/api/runs/${id}/receipt`))
      expect(receipt).toMatchObject({
        state: 'undone',
        failure,
        done: null,
        undo: { reason: 'it was spoiled' },
        problem: null,
        undone: { evidence: [{ holds: true, requestId: expect.any(String) }] },
      })
      expect((await cli('receipt', id)).said).toMatch(
        /Failed because what was read back is not[\s\S]*Taken back by[\s\S]*Taken back /,
      )
      expect((await cli('runs', id)).said).toMatch(/failed because +what was read back is not/)
    })

    it('is taken back by two admins where that takes two, and not before the second one said so', async () => {
      const id = await failed()
      const { database, key } = world.broker
      const careful = await startBroker({ database, key, config: { fourEyes: true } })
      try {
        expect(await careful.admin.must(careful.admin.get(`/api/runs/${id}/rollback`))).toMatchObject({
          possible: true,
          by: 'two_admins',
        })
        const held = await careful.admin.post(`/api/runs/${id}/rollback`, { reason: 'it was spoiled' })
        expect(held, held.text).toMatchObject({
          status: 202,
          body: { kind: 'run.roll_back', summary: { restores: [expect.stringContaining('is written again')] } },
        })
        expect((await careful.admin.post(`/api/proposals/${held.body.id}/accept`)).body.code).toBe('access.self_approval')
        expect((await get(id)).state).toBe('failed')
        const second = careful.api((await world.person('second admin', ['admin'], ['read', 'manage'])).token)
        await second.must(second.post(`/api/proposals/${held.body.id}/accept`))
        await until(id, 'undone')
        expect((await stored()).data).toEqual(BEFORE)
      } finally {
        await careful.close()
      }
    })

    it('is not taken back over what somebody wrote since, before or while it is', async () => {
      const id = await failed()
      atWrites(async (call) => {
        await vault.api('POST', PATH, { data: { note: 'another hand' } })
        await pass(call)
      })
      await admin().must(rollBack(id))
      const still = await waitFor('the refusal', async () => {
        const now = await get(id)
        return now.state === 'failed' && now.problem.message.includes('somebody has since written') && now
      })
      expect(still).toMatchObject({
        problem: { code: 'conflict' },
        failure: { code: 'target.unverified' },
        undo: { reason: 'the earlier one' },
      })
      expect((await stored()).data).toEqual({ note: 'another hand' })
      expect(await preview(id)).toMatchObject({ possible: false, because: expect.stringContaining('somebody has since written') })
      expect((await rollBack(id)).body).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('somebody has since written'),
      })
    })

    it('is known for its own although the answer to its write was lost, and is taken back all the same', async () => {
      let isAway = false
      proxy.always(async (call) => {
        if (isAway) return call.drop()
        if (call.method === 'POST' && call.path === PATH) {
          isAway = true
          await call.forward()
          return call.drop()
        }
        await pass(call)
      })
      const id = await order()
      await waitFor('nobody to answer', async () => (await get(id)).problem?.code === 'target.unreachable')
      const { data, metadata } = await stored()
      expect(data.password).toMatch(/^[A-Za-z0-9]{24}$/)
      await admin().must(admin().post(`/api/runs/${id}/cancel`))
      await until(id, 'undoing')
      atWrites(outpaced)
      expect(await until(id, 'failed')).toMatchObject({ undoable: true })
      expect(await stored()).toEqual({ data, metadata })
      expect(await preview(id)).toMatchObject({
        possible: true,
        restores: [{ summary: expect.stringContaining('written again') }],
      })
      await admin().must(rollBack(id))
      await until(id, 'undone')
      expect((await stored()).data).toEqual(BEFORE)
      const kept = await world.broker.database.query('select sealed from action_steps where run_id = $1', [id])
      expect(kept).toEqual([{ sealed: null }])
    })

    it('is known for its own although its answer was lost and its undo was stuck and cancelled, and is taken back later', async () => {
      let isAway = false
      proxy.always(async (call) => {
        if (isAway) return call.drop()
        if (call.method !== 'POST' || call.path !== PATH) return pass(call)
        isAway = true
        await call.forward()
        call.drop()
      })
      const id = await order()
      await waitFor('nobody to answer', async () => (await get(id)).problem?.code === 'target.unreachable')
      await admin().must(admin().post(`/api/runs/${id}/cancel`))
      await until(id, 'undoing')
      await world.broker.database.query(
        `update ordered_runs set undo = jsonb_set(undo, '{at}', to_jsonb('2020-01-01T00:00:00Z'::text)) where id = $1`,
        [id],
      )
      await until(id, 'stuck')
      await admin().must(admin().post(`/api/runs/${id}/cancel`))
      const now = await until(id, 'failed')
      expect(now).toMatchObject({ undoable: true, failure: { code: 'run.cancelled' }, undo: { by: null } })
      proxy.always()
      expect((await stored()).data.password).toMatch(/^[A-Za-z0-9]{24}$/)
      await admin().must(rollBack(id))
      expect(await until(id, 'undone')).toMatchObject({ failure: now.failure })
      expect((await stored()).data).toEqual(BEFORE)
    })

    it('has nothing to be taken back where nothing was written, and says so', async () => {
      await vault.api('POST', 'kv/delete/app/db', { versions: [(await stored()).metadata.version] })
      const id = await order()
      expect(await until(id, 'failed')).toMatchObject({ undoable: false })
      expect(await preview(id)).toMatchObject({
        possible: false,
        because: expect.stringContaining('nothing of it is in the target'),
      })
      expect((await rollBack(id)).status).toBe(409)
      const refused = await cli('rollback', id, '--plan')
      expect(refused.said).toContain('It cannot be taken back: the run failed, and nothing of it is in the target')
    })

    it('keeps its integration from being removed, unless an admin says that it may be left, and two where that takes two', async () => {
      const forgotten = await failed()
      const { database, key } = world.broker
      // As of a plugin that has an action no longer: nobody could take that back, with the integration or without it.
      await database.query(`update ordered_runs set action = 'former-action' where id = $1`, [forgotten])
      await database.query(`update action_runs set action = 'former-action' where id = $1`, [forgotten])
      const id = await failed()
      const path = `/api/integrations/${world.integrationId}`
      const left = { status: 409, field: 'force', message: expect.stringContaining(`something is left there of ${id}`) }
      const refused = await admin().delete(path)
      expect(refused.body, refused.text).toMatchObject({ ...left, fix: expect.stringContaining(`latchkey rollback ${id}`) })
      expect(refused.text).not.toContain(forgotten)
      const careful = await startBroker({ database, key, config: { fourEyes: true } })
      try {
        expect((await careful.admin.delete(path)).body).toMatchObject(left)
        const held = await careful.admin.delete(`${path}?force=true`)
        expect(held, held.text).toMatchObject({ status: 202, body: { summary: { left: expect.arrayContaining([id]) } } })
        await failed()
        const second = careful.api((await world.person('another admin', ['admin'], ['read', 'manage'])).token)
        expect(await second.post(`/api/proposals/${held.body.id}/accept`), 'more is left than was shown').toMatchObject({
          status: 409,
          body: { message: expect.stringContaining('itself changed after it was proposed') },
        })
      } finally {
        await careful.close()
      }
      expect((await admin().delete(`${path}?force=true`)).status).toBe(204)
      const { items } = await admin().must(admin().get(`/api/audit?subject=${world.integrationId}`))
      expect(items.find(({ kind }: { kind: string }) => kind === 'integration.removed').data.left).toContain(id)
      expect(await get(id)).toMatchObject({ state: 'failed', undoable: false })
      expect(await preview(id)).toMatchObject({ possible: false, because: 'its integration was removed' })
    })
  },
)
