import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { startBroker } from '../support/broker.ts'
import { makeChain } from '../support/certificates.ts'
import { type DistributionWorld, distributionWorld } from '../support/distribution-world.ts'
import { type Fault, type FaultProxy, pass, startFaultProxy } from '../support/fault-proxy.ts'
import { outpaced, spoiled } from '../support/faults.ts'
import { ownToken } from '../support/own-token.ts'

const FORMER = { certificate: 'the old one' }

describe.each(await serversUnderTest())(
  'A target at $product where it failed and left something',
  { timeout: 60_000 },
  (binary) => {
    let world: DistributionWorld
    let proxy: FaultProxy
    let spoilt: string
    let well: string
    let number = 0

    beforeAll(async () => {
      world = await distributionWorld(binary)
      proxy = await startFaultProxy(world.server.address)
      spoilt = await world.target('spoilt', { address: proxy.url, path: 'certs/spoilt/{{ .cn }}' })
      well = await world.target('well', { path: 'certs/well/{{ .cn }}' })
    }, 120_000)
    afterAll(async () => {
      await proxy?.close()
      await world?.stop()
    })

    const post = (path: string, body: object) => world.admin.post(path, body)
    const at = async (name: string, cn: string) => (await world.server.api('GET', `secret/data/certs/${name}/${cn}`)).body?.data
    const preview = async (id: string) =>
      (await world.admin.must(world.admin.get(`/api/distributions/${id}/rollback`))).items as {
        name: string
        possible: boolean
      }[]
    /** what becomes of the next writes there; further ones go through */
    const atWrites = (...faults: Fault[]) =>
      proxy.always((call) => {
        if (call.method !== 'POST' || !call.path.startsWith('secret/data/')) return pass(call)
        return (faults.shift() ?? pass)(call)
      })
    /** Sent to both, and spoiled on its way to one of them. */
    const failed = async (more: object = { undoIfUnverified: false }, ...then: Fault[]) => {
      number += 1
      const cn = `left${number}.example.com`
      for (const name of ['spoilt', 'well']) await world.server.api('POST', `secret/data/certs/${name}/${cn}`, { data: FORMER })
      atWrites(spoiled, ...then)
      const id = await world.distribute(await world.certificate(makeChain({ cn, domains: [cn] })), [spoilt, well], more)
      const settled = await world.settled(id)
      expect(settled).toMatchObject({
        state: 'partial',
        targets: [
          { name: 'spoilt', state: 'failed', undoable: true, problem: { fix: expect.any(String) } },
          { name: 'well', state: 'verified', undoable: true },
        ],
      })
      expect((await at('spoilt', cn)).data).toEqual({ note: 'spoiled on its way' })
      return { id, cn, runId: settled.targets[0].runId as string }
    }
    const back = (id: string, more: object = {}) => post(`/api/distributions/${id}/rollback`, { reason: 'spoiled', ...more })
    const resume = (id: string, more: object = {}) => post(`/api/distributions/${id}/resume`, { reason: 'again', ...more })

    it('is put back when it is chosen, and is sent to again only when it is named then', async () => {
      const { id, cn, runId } = await failed()
      expect(await preview(id)).toMatchObject([
        { name: 'spoilt', possible: true, restores: [{ summary: expect.stringContaining('is written again') }] },
        { name: 'well', possible: true },
      ])
      const refused = await resume(id)
      expect(refused.body).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('may have left something'),
        fix: expect.stringContaining('put the target back first'),
      })
      await world.admin.must(back(id, { targetIds: [spoilt] }))
      expect(await world.settled(id)).toMatchObject({
        state: 'partial',
        targets: [
          { state: 'rolled_back', undoable: false },
          { state: 'verified', undoable: true },
        ],
      })
      expect(await at('spoilt', cn)).toMatchObject({ data: FORMER, metadata: { version: 3 } })
      expect((await at('well', cn)).data.certificate).toContain('CERTIFICATE')
      const receipt = await world.admin.must(world.admin.get(`/api/runs/${runId}/receipt`))
      expect(receipt).toMatchObject({ done: null, undo: { reason: 'spoiled' }, undone: { evidence: [{ holds: true }] } })
      expect(receipt.calls.length, 'what wrote it, and what took it back').toBeGreaterThan(receipt.undone.calls.length)
      expect(receipt.calls).toEqual(expect.arrayContaining(receipt.undone.calls))
      expect((await resume(id)).body.message).toContain('nothing to send again')
      await world.admin.must(resume(id, { targetIds: [spoilt] }))
      expect((await world.settled(id)).state).toBe('done')
    })

    it('is put back with the others where all are, also when its undo was refused before', async () => {
      const { id, cn } = await failed({}, outpaced)
      await world.admin.must(back(id))
      expect((await world.settled(id)).state).toBe('rolled_back')
      for (const name of ['spoilt', 'well']) expect((await at(name, cn)).data, name).toEqual(FORMER)
      const { items } = await world.admin.must(world.admin.get(`/api/audit?subject=${id}`))
      expect(items[0]).toMatchObject({ kind: 'distribution.rolled_back', data: { rolledBack: 2, of: 2 } })
    })

    it('is sent over what was left where a person names it', async () => {
      const { id, cn } = await failed()
      await world.admin.must(resume(id, { targetIds: [spoilt] }))
      expect((await world.settled(id)).state).toBe('done')
      expect((await at('spoilt', cn)).data.certificate).toContain('CERTIFICATE')
    })

    it('waits for a second admin to be put back, and one alone does not send over what was left', async () => {
      const { id, cn } = await failed()
      const { database, key } = world.broker
      const careful = await startBroker({ database, key, config: { fourEyes: true } })
      try {
        const alone = await careful.admin.post(`/api/distributions/${id}/resume`, { reason: 'again', targetIds: [spoilt] })
        expect(alone.body).toMatchObject({ code: 'conflict', fix: expect.stringContaining('a second admin accepts it') })
        const held = await careful.admin.post(`/api/distributions/${id}/rollback`, { reason: 'spoiled', targetIds: [spoilt] })
        expect(held, held.text).toMatchObject({ status: 202, body: { summary: { targets: ['spoilt'] } } })
        expect((await world.get(id)).targets[0].state).toBe('failed')
        const user = await world.admin.must(post('/api/users', { name: `second ${number}`, roles: ['admin'] }))
        const second = careful.api((await ownToken(database, user.id, ['read', 'manage'])).token)
        await second.must(second.post(`/api/proposals/${held.body.id}/accept`))
        await waitFor('it to be put back', async () => (await world.get(id)).targets[0].state === 'rolled_back')
        expect((await at('spoilt', cn)).data).toEqual(FORMER)
      } finally {
        await careful.close()
      }
    })

    it('stays failed where somebody wrote there since, and says why', async () => {
      const { id, cn } = await failed()
      const place = `secret/data/certs/spoilt/${cn}`
      atWrites(async (call) => {
        await world.server.api('POST', place, { data: { note: 'another hand' } })
        await pass(call)
      })
      await world.admin.must(back(id, { targetIds: [spoilt] }))
      const settled = await waitFor('it to be refused', async () => {
        const now = await world.settled(id)
        return now.targets[0].problem.message.includes('somebody has since written') && now
      })
      expect(settled.targets[0]).toMatchObject({ state: 'failed', problem: { code: 'conflict' } })
      expect(await preview(id)).toMatchObject([
        { possible: false, because: expect.stringContaining('somebody has since written') },
        { possible: true },
      ])
      expect((await at('spoilt', cn)).data).toEqual({ note: 'another hand' })
      const { items } = await world.admin.must(world.admin.get(`/api/audit?subject=${id}`))
      expect(items[0]).toMatchObject({ kind: 'distribution.rollback_incomplete', data: { rolledBack: 0, of: 1 } })
    })

    it('is not tried to be put back any longer when that is cancelled, and is put back when it is said again', async () => {
      const { id, cn, runId } = await failed()
      proxy.always(async (call) => call.drop())
      await world.admin.must(back(id, { targetIds: [spoilt] }))
      await waitFor('it to be tried', async () => (await world.get(id)).targets[0].problem?.code === 'target.unreachable')
      await world.broker.database.query(
        `update ordered_runs set undo = jsonb_set(undo, '{at}', to_jsonb('2020-01-01T00:00:00Z'::text)) where id = $1`,
        [runId],
      )
      const stuck = await waitFor('it to be stuck', async () => {
        const now = await world.settled(id)
        return now.targets[0].state === 'stuck' && now
      })
      expect(stuck.targets[0].undoable).toBe(false)
      await world.admin.must(post(`/api/distributions/${id}/cancel`, { reason: 'it is being rebuilt' }))
      const ended = await waitFor('it to be given up', async () => {
        const now = await world.settled(id)
        return now.targets[0].state === 'failed' && now
      })
      expect(ended.targets[0]).toMatchObject({ undoable: true, problem: { code: 'run.cancelled' } })
      proxy.always()
      await world.admin.must(back(id, { targetIds: [spoilt] }))
      expect((await world.settled(id)).targets[0].state).toBe('rolled_back')
      expect((await at('spoilt', cn)).data).toEqual(FORMER)
    })

    it('has nothing to be put back where nothing was written', async () => {
      number += 1
      const cn = `nothing${number}.example.com`
      proxy.always(async (call) => (call.path.includes('/certs/') ? call.drop() : pass(call)))
      const id = await world.distribute(await world.certificate(makeChain({ cn, domains: [cn] })), [spoilt])
      await waitFor('it to be tried', async () => (await world.get(id)).targets[0].problem !== null)
      await world.admin.must(post(`/api/distributions/${id}/cancel`, { reason: 'enough' }))
      expect(await world.settled(id)).toMatchObject({ targets: [{ state: 'failed', undoable: false }] })
      proxy.always()
      expect(await preview(id)).toMatchObject([{ possible: false, because: 'it failed, and nothing of it is there' }])
      expect((await back(id)).body).toMatchObject({
        code: 'conflict',
        message: expect.stringContaining('nothing of this distribution'),
      })
    })
  },
)
