import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type DistributionWorld, distributionWorld } from '../support/distribution-world.ts'
import { startRelay } from '../support/relay.ts'
import { cameOf, isPatient, renewedPair, silentTarget } from '../support/renewed-pair.ts'

describe.each(await serversUnderTest())('Two targets for one place at $product', { timeout: 60_000 }, (binary) => {
  let world: DistributionWorld

  beforeAll(async () => {
    world = await distributionWorld(binary)
  }, 120_000)
  afterAll(() => world?.stop())

  const say = (id: string, what: string, body: object) => world.admin.post(`/api/distributions/${id}/${what}`, body)
  const cancel = async (id: string) => {
    await world.admin.must(say(id, 'cancel', { reason: 'enough' }))
    return world.settled(id)
  }
  const patch = (target: string, location: object) =>
    world.admin.must(world.admin.patch(`/api/targets/${target}`, { location, skipTest: true }))

  it.each(['its address', 'another address of the same server'])(
    'take no older certificate over a newer one that the other brought to %s, unless it is named',
    async (how) => {
      const { older, newer, stands } = await renewedPair(world)
      const { slow, close } = await silentTarget(world, `slow beside ${how}`)
      const relay = await startRelay(world.server.address)
      const at = `certs/two-${how.length}`
      const path = `${at}/{{ .cn }}`
      const one = await world.target(`one at ${how}`, { path })
      const two = await world.target(`two at ${how}`, { path, ...(how !== 'its address' && { address: relay.url }) })
      const first = await world.distribute(older, [slow, one], { batchSize: 1 })
      const second = await world.distribute(newer, [two])
      expect((await world.settled(second)).state).toBe('done')
      const refused = { state: 'failed', problem: { code: 'conflict', message: expect.stringContaining(second) } }
      expect(await cameOf(world, first, 1)).toMatchObject(refused)
      expect(await stands(at)).toEqual({ version: 1, is: 'newer' })
      await cancel(first)
      const unnamed = await say(first, 'resume', { reason: 'again' })
      // By another address it is known for the same server when that answers.
      if (how === 'its address') expect(unnamed.body).toMatchObject({ status: 409, field: 'targetIds' })
      else {
        expect(unnamed.status, unnamed.text).toBe(202)
        expect(await cameOf(world, first, 1)).toMatchObject(refused)
        await cancel(first)
      }
      expect(await stands(at)).toEqual({ version: 1, is: 'newer' })
      await world.admin.must(say(first, 'resume', { reason: 'the older one after all', targetIds: [one] }))
      expect((await world.settled(first)).targets[1].state).toBe('verified')
      expect(await stands(at)).toEqual({ version: 2, is: 'older' })
      await relay.close()
      close()
    },
  )

  it('let what was ordered first go first, also when their server was away in the meantime', async () => {
    const { older, newer, stands } = await renewedPair(world)
    const relay = await startRelay(world.server.address)
    const there = { address: relay.url, path: 'certs/two-away/{{ .cn }}' }
    const [one, two] = [await world.target('one away', there), await world.target('two away', there)]
    relay.leadTo(undefined)
    const first = await world.distribute(older, [one])
    await isPatient(world, first)
    const second = await world.distribute(newer, [two])
    await waitFor('the second to wait for the first', async () => {
      const [{ problem }] = (await world.get(second)).targets
      return problem?.code === 'run.locked' && problem.message.includes((await world.get(first)).targets[0].runId)
    })
    relay.leadTo(world.server.address)
    expect([(await world.settled(first)).state, (await world.settled(second)).state]).toEqual(['done', 'done'])
    expect(await stands('certs/two-away')).toEqual({ version: 2, is: 'newer' })
    await relay.close()
  })

  it('are two where their servers are, or their paths: what goes to one does not wait for the other', async () => {
    const { older, newer } = await renewedPair(world)
    const { slow, close } = await silentTarget(world, 'slow of two')
    const [one, two] = [
      await world.target('one of two', { path: 'certs/here/{{ .cn }}' }),
      await world.target('two of two', { path: 'certs/there/{{ .cn }}' }),
    ]
    const first = await world.distribute(older, [slow, one], { batchSize: 1 })
    // The one that never answers has the usual path of all.
    const usual = await world.target('usual')
    const second = await world.distribute(newer, [two, usual])
    expect((await world.settled(second)).state).toBe('done')
    expect(await cameOf(world, first, 1)).toMatchObject({ state: 'verified' })
    await cancel(first)
    close()
  })

  it('are compared by where a certificate went, and not by where the target would take it today', async () => {
    const { older, newer, stands } = await renewedPair(world, { older: { team: 'x' } })
    const relay = await startRelay(world.server.address)
    const path = 'certs/before/{{ .cn }}'
    const target = await world.target('with another path', { address: relay.url, path })
    relay.leadTo(undefined)
    const first = await world.distribute(older, [target])
    await isPatient(world, first)
    await cancel(first)
    relay.leadTo(world.server.address)
    expect((await world.settled(await world.distribute(newer, [target]))).state).toBe('done')
    // A path that the newer certificate has no variable for, and to which it never went.
    await patch(target, { address: relay.url, path: 'certs/{{ .variables.team }}/{{ .cn }}' })
    await world.admin.must(say(first, 'resume', { reason: 'to the new place' }))
    expect((await world.settled(first)).state).toBe('done')
    expect(await stands('certs/x')).toEqual({ version: 1, is: 'older' })
    expect(await stands('certs/before')).toEqual({ version: 1, is: 'newer' })
    await relay.close()
  })
})
