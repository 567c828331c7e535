import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { makeChain } from '../support/certificates.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { within } from '../support/database.ts'
import { type DistributionWorld, worldAround } from '../support/distribution-world.ts'
import { startRelay } from '../support/relay.ts'

describe('What a person says of a distribution', () => {
  let world: DistributionWorld<Daemon>
  let number = 0

  beforeAll(async () => {
    world = await worldAround(undefined, startDaemon)
  })
  afterAll(() => world?.stop())

  const fresh = async () => {
    number += 1
    const cn = `word${number}.example.com`
    return { id: await world.certificate(makeChain({ cn, domains: [cn] })), cn }
  }
  const targets = (more: (name: string) => Record<string, unknown> = () => ({})) =>
    Promise.all(
      ['a', 'b', 'c'].map((name) => world.target(`${name}${number}`, { path: `certs/${name}/{{ .cn }}`, ...more(name) })),
    )

  /** Nothing can be done about the last run while `meanwhile` is going on; then the daemon dies, and starts again. */
  const dyingBeforeTheLast = async (ordered: string, meanwhile: () => Promise<void>) => {
    const last = (await world.get(ordered)).targets.at(-1).runId
    await within(world.broker.database.url, async (client) => {
      await client.query('begin')
      await client.query('select 1 from ordered_runs where id = $1 for update', [last])
      await meanwhile()
      await world.broker.kill()
      await client.query('rollback')
    })
    await world.broker.start()
  }
  const stateOfRun = async (id: string) => (await world.admin.must(world.admin.get(`/api/runs/${id}`))).state

  it('to roll it back is done at every target although the daemon dies in the midst of them', async () => {
    const { id, cn } = await fresh()
    const ordered = await world.distribute(id, await targets())
    const { targets: parts } = await world.settled(ordered)
    await dyingBeforeTheLast(ordered, async () => {
      const said = world.admin.post(`/api/distributions/${ordered}/rollback`, { reason: 'wrong' }).catch(() => undefined)
      await waitFor('the first to be taken back', async () => (await stateOfRun(parts[0].runId)) === 'undone')
      void said
    })
    expect((await world.settled(ordered)).counts).toEqual({ rolled_back: 3 })
    for (const name of ['a', 'b', 'c']) {
      const now = (await world.server.api('GET', `secret/data/certs/${name}/${cn}`)).body?.data
      expect(now, name).toMatchObject({ data: null, metadata: { version: 1 } })
    }
  })

  it('to cancel it reaches every target that is under way although the daemon dies in the midst of them', async () => {
    const { id, cn } = await fresh()
    const relay = await startRelay(world.server.address)
    const aims = await targets(() => ({ address: relay.url }))
    relay.leadTo(undefined)
    const ordered = await world.distribute(id, aims)
    const parts = await waitFor('all to be tried', async () => {
      const now = (await world.get(ordered)).targets
      return now.every(({ problem }: { problem: unknown }) => problem !== null) && now
    })
    await dyingBeforeTheLast(ordered, async () => {
      const said = world.admin.post(`/api/distributions/${ordered}/cancel`, { reason: 'not now' }).catch(() => undefined)
      await waitFor('the first to be cancelled', async () => (await stateOfRun(parts[0].runId)) === 'failed')
      void said
    })
    relay.leadTo(world.server.address)
    expect((await world.settled(ordered)).counts).toEqual({ failed: 3 })
    for (const name of ['a', 'b', 'c'])
      expect((await world.server.api('GET', `secret/data/certs/${name}/${cn}`)).status).toBe(404)
    await relay.close()
  })
})
