import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Api } from '../support/api.ts'
import { startBroker } from '../support/broker.ts'
import { type DistributionWorld, distributionWorld } from '../support/distribution-world.ts'
import { pass, startFaultProxy } from '../support/fault-proxy.ts'
import { spoiled } from '../support/faults.ts'
import { startRelay } from '../support/relay.ts'
import { isPatient as isTriedOften, renewedPair, silentTarget } from '../support/renewed-pair.ts'

const servers = await serversUnderTest()

describe.each(servers)('Certificates for one place at $product', (binary) => {
  let world: DistributionWorld

  beforeAll(async () => {
    world = await distributionWorld(binary)
  })
  afterAll(() => world?.stop())

  const two = () => renewedPair(world)
  const isPatient = (ordered: string) => isTriedOften(world, ordered)

  it('arrive in the order in which they were ordered, also when the target was away in the meantime', async () => {
    const { older, newer, stands } = await two()
    const relay = await startRelay(world.server.address)
    const target = await world.target('away', { address: relay.url, path: 'certs/away/{{ .cn }}' })
    relay.leadTo(undefined)
    const first = await world.distribute(older, [target])
    await isPatient(first)
    const second = await world.distribute(newer, [target])
    await waitFor('the second to wait for the first', async () => {
      const [{ problem }] = (await world.get(second)).targets
      return problem?.code === 'run.locked' && problem.message.includes((await world.get(first)).targets[0].runId)
    })
    relay.leadTo(world.server.address)
    expect([(await world.settled(first)).state, (await world.settled(second)).state]).toEqual(['done', 'done'])
    expect(await stands('certs/away')).toEqual({ version: 2, is: 'newer' })
    await relay.close()
  })

  it('do not arrive when they are revoked while they wait for their target', async () => {
    const { older, newer, stands } = await two()
    const target = await world.target('revoked', { path: 'certs/revoked/{{ .cn }}' })
    const ordered = await world.distribute(newer, [target])
    const { runId } = (await world.settled(ordered)).targets[0]
    await world.admin.must(world.admin.post(`/api/distributions/${ordered}/rollback`, { reason: 'wrong' }))
    await world.settled(ordered)
    const relay = await startRelay(world.server.address)
    const away = await world.target('revoked away', { address: relay.url, path: 'certs/gone/{{ .cn }}' })
    relay.leadTo(undefined)
    const waiting = await world.distribute(older, [away])
    await isPatient(waiting)
    // As if the run that was taken back had had it issued.
    await world.broker.database.query('update certificates set run_id = $2 where id = $1', [older, runId])
    relay.leadTo(world.server.address)
    expect(await world.settled(waiting)).toMatchObject({
      state: 'failed',
      targets: [{ state: 'failed', problem: { message: expect.stringMatching(/revoked/) } }],
    })
    expect(await stands('certs/gone')).toMatchObject({ is: 'none' })
    await relay.close()
  })

  it('do not replace what was ordered later and is there already, unless they are sent once more', async () => {
    const { older, newer, stands } = await two()
    const { slow, close } = await silentTarget(world, 'slow')
    const target = await world.target('in turn', { path: 'certs/turn/{{ .cn }}' })
    const first = await world.distribute(older, [slow, target], { batchSize: 1 })
    const second = await world.distribute(newer, [target])
    expect((await world.settled(second)).state).toBe('done')
    await waitFor('the turn of the other target to come', async () => (await world.get(first)).targets[1].state === 'failed')
    expect((await world.get(first)).targets[1].problem).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(second),
    })
    expect(await stands('certs/turn')).toEqual({ version: 1, is: 'newer' })
    const say = (what: string, body: object) => world.admin.must(world.admin.post(`/api/distributions/${first}/${what}`, body))
    await say('cancel', { reason: 'one is slow' })
    await world.settled(first)
    const again = (api: Api, body: object) => api.post(`/api/distributions/${first}/resume`, { reason: 'again', ...body })
    const unnamed = await again(world.admin, {})
    expect(unnamed.body).toMatchObject({ status: 409, field: 'targetIds', message: expect.stringContaining(second) })
    const { database, key } = world.broker
    const careful = await startBroker({ database, key, config: { fourEyes: true } })
    expect((await again(careful.admin, { targetIds: [target] })).body).toMatchObject({
      status: 409,
      message: expect.stringMatching(/one admin alone/),
    })
    await careful.close()
    expect(await stands('certs/turn')).toEqual({ version: 1, is: 'newer' })
    await say('resume', { reason: 'the older one after all', targetIds: [target] })
    expect((await world.settled(first)).targets[1].state).toBe('verified')
    expect(await stands('certs/turn')).toEqual({ version: 2, is: 'older' })
    close()
  })

  const refuses = (id: string, more: object = {}) =>
    world.admin.post(`/api/distributions/${id}/resume`, { reason: 'again', ...more })
  const cancel = async (id: string) => {
    await world.admin.must(world.admin.post(`/api/distributions/${id}/cancel`, { reason: 'enough' }))
    return world.settled(id)
  }
  const silently = (name: string) => silentTarget(world, name)

  it('do not replace what was ordered later, failed there and was left, unless they are sent there by name', async () => {
    const { older, newer, stands } = await two()
    const proxy = await startFaultProxy(world.server.address)
    const target = await world.target('left', { address: proxy.url, path: 'certs/left/{{ .cn }}' })
    proxy.always(async (call) => (call.path.includes('/certs/') ? call.drop() : pass(call)))
    const first = await world.distribute(older, [target])
    await isPatient(first)
    expect(await cancel(first)).toMatchObject({ targets: [{ state: 'failed', undoable: false }] })
    proxy.always(async (call) => (call.method === 'POST' && call.path.startsWith('secret/data/') ? spoiled(call) : pass(call)))
    const second = await world.distribute(newer, [target], { undoIfUnverified: false })
    expect(await world.settled(second)).toMatchObject({ targets: [{ state: 'failed', undoable: true }] })
    proxy.always()
    const unnamed = await refuses(first)
    expect(unnamed.body, unnamed.text).toMatchObject({
      status: 409,
      field: 'targetIds',
      message: expect.stringContaining(second),
    })
    expect(await stands('certs/left')).toEqual({ version: 1, is: 'none' })
    await world.admin.must(refuses(first, { targetIds: [target] }))
    expect((await world.settled(first)).state).toBe('done')
    expect(await stands('certs/left')).toEqual({ version: 2, is: 'older' })
    await proxy.close()
  })

  it('do not replace what failed and was left there while they waited for their turn', async () => {
    const { older, newer, stands } = await two()
    const { slow, close } = await silently('slow before what is left')
    const proxy = await startFaultProxy(world.server.address)
    const target = await world.target('left in turn', { address: proxy.url, path: 'certs/left-in-turn/{{ .cn }}' })
    const first = await world.distribute(older, [slow, target], { batchSize: 1 })
    proxy.always(async (call) => (call.method === 'POST' && call.path.startsWith('secret/data/') ? spoiled(call) : pass(call)))
    const second = await world.distribute(newer, [target], { undoIfUnverified: false })
    expect(await world.settled(second)).toMatchObject({ targets: [{ state: 'failed', undoable: true }] })
    proxy.always()
    const late = await waitFor('the turn of the other target to come', async () => {
      const now = (await world.get(first)).targets[1]
      return now.state === 'failed' && now
    })
    expect(late.problem).toMatchObject({ code: 'conflict', message: expect.stringContaining(second) })
    expect(await stands('certs/left-in-turn')).toEqual({ version: 1, is: 'none' })
    await cancel(first)
    await proxy.close()
    close()
  })

  it('do not replace what was ordered after they were resumed, although who resumed them was told of nothing', async () => {
    const { older, newer, stands } = await two()
    const { slow, close } = await silently('slow once more')
    const target = await world.target('resumed', { path: 'certs/resumed/{{ .cn }}' })
    const first = await world.distribute(older, [slow, target], { batchSize: 1 })
    await cancel(first)
    await world.admin.must(refuses(first, { targetIds: [slow, target] }))
    const second = await world.distribute(newer, [target])
    expect((await world.settled(second)).state).toBe('done')
    const late = await waitFor('the turn of the other target to come', async () => {
      const now = (await world.get(first)).targets[1]
      return now.state !== 'queued' && now.state !== 'running' && now
    })
    expect(late).toMatchObject({ state: 'failed', problem: { code: 'conflict', message: expect.stringContaining(second) } })
    expect(await stands('certs/resumed')).toEqual({ version: 1, is: 'newer' })
    await cancel(first)
    close()
  })
})
