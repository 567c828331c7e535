import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { makeChain } from '../support/certificates.ts'
import { type DistributionWorld, distributionWorld } from '../support/distribution-world.ts'
import { type Fault, type FaultProxy, pass, startFaultProxy } from '../support/fault-proxy.ts'
import { LIES } from '../support/faults.ts'

const servers = await serversUnderTest()

describe.each(servers)('What is said of a target at $product', (binary) => {
  let world: DistributionWorld
  let proxy: FaultProxy
  let target: string
  let number = 0

  beforeAll(async () => {
    world = await distributionWorld(binary)
    proxy = await startFaultProxy(world.server.address)
    target = await world.target('eu', { address: proxy.url, path: 'certs/truth/{{ .cn }}' })
  })
  afterAll(async () => {
    await proxy?.close()
    await world?.stop()
  })

  const fresh = async () => {
    number += 1
    const cn = `truth${number}.example.com`
    const made = makeChain({ cn, domains: [cn] })
    const place = `secret/data/certs/truth/${cn}`
    const now = async () => (await world.server.api('GET', place)).body?.data
    return {
      id: await world.certificate(made),
      made,
      place,
      now,
      put: (data: object) => world.server.api('POST', place, { data }),
    }
  }
  /** what becomes of the next write there */
  const atWrite = (place: string, fault: Fault) =>
    proxy.always(async (call) => {
      if (call.method !== 'POST' || call.path !== place) return pass(call)
      proxy.always()
      await fault(call)
    })
  const rolledBack = async (id: string) => {
    await world.admin.must(world.admin.post(`/api/distributions/${id}/rollback`, { reason: 'back' }))
    return world.settled(id)
  }

  it.each([[true], [false]])(
    'is that it failed, and not that something was put back, where somebody else wrote first (a value before: %s)',
    async (hadValue) => {
      const { id, place, now, put } = await fresh()
      if (hadValue) await put({ note: 'before' })
      atWrite(place, async (call) => {
        await put({ note: 'another hand' })
        await pass(call)
      })
      const ordered = await world.distribute(id, [target])
      const settled = await world.settled(ordered)
      expect(settled).toMatchObject({ state: 'failed', targets: [{ state: 'failed', problem: { code: 'target.conflict' } }] })
      expect(await now()).toMatchObject({ data: { note: 'another hand' }, metadata: { version: hadValue ? 2 : 1 } })
      await world.admin.must(world.admin.post(`/api/distributions/${ordered}/resume`, { reason: 'over what is there now' }))
      expect(await world.settled(ordered)).toMatchObject({ state: 'done', targets: [{ state: 'verified' }] })
    },
  )

  it('is that it failed where the certificate was revoked before its turn came, and nothing is sent there', async () => {
    const revoked = await fresh()
    const ordered = await world.distribute(revoked.id, [target])
    const { runId } = (await world.settled(ordered)).targets[0]
    await rolledBack(ordered)
    const { id, now, place } = await fresh()
    const late = await world.target('late', { address: proxy.url, path: 'certs/late/{{ .cn }}' })
    atWrite(place, async (call) => {
      // As if that run had had it issued.
      await world.broker.database.query('update certificates set run_id = $2 where id = $1', [id, runId])
      await pass(call)
    })
    const settled = await world.settled(await world.distribute(id, [target, late], { batchSize: 1 }))
    expect(settled).toMatchObject({
      state: 'partial',
      targets: [{ state: 'verified' }, { state: 'failed', runId: null, problem: { message: expect.stringMatching(/revoked/) } }],
    })
    expect((await now()).data.certificate).toContain('CERTIFICATE')
    expect((await world.server.api('GET', place.replace('/truth/', '/late/'))).status).toBe(404)
  })

  it.each(Object.entries(LIES))('is what stands there, although its write is %s', async (_, lie) => {
    for (const before of [{ note: 'before' }, undefined]) {
      const { id, made, place, now, put } = await fresh()
      if (before) await put(before)
      atWrite(place, lie)
      const ordered = await world.distribute(id, [target])
      expect(await world.settled(ordered)).toMatchObject({ state: 'done', targets: [{ state: 'verified', problem: null }] })
      const there = await now()
      expect(new X509Certificate(there.data.certificate).fingerprint256).toBe(new X509Certificate(made.leaf.pem).fingerprint256)
      atWrite(before ? place : place.replace('/data/', '/delete/'), lie)
      expect(await rolledBack(ordered)).toMatchObject({
        state: 'rolled_back',
        targets: [{ state: 'rolled_back', problem: null }],
      })
      expect((await now()).data).toEqual(before ?? null)
    }
  })
})
