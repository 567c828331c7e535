import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { isServer, serverPid } from '../../src/platform/postgres/postgres-process.ts'
import { within } from '../support/database.ts'
import { type EmbeddedDaemon, EmbeddedHome } from '../support/embedded-daemon.ts'
import { paused } from '../support/vault-broker.ts'
import { furnished, type Habitable, inhabit, type World } from '../support/world.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let vault: VaultServer
let home: EmbeddedHome

beforeAll(async () => {
  vault = await startVaultServer()
})
afterAll(() => vault.stop())
beforeEach(async () => {
  home = await EmbeddedHome.make()
})
afterEach(async () => {
  vault.resume()
  await home.remove()
})

const data = () => path.join(home.dir, 'cluster/data')
const exited = (daemon: EmbeddedDaemon) => once(daemon.child, 'exit')

/** A daemon with an active grant, whose target then stands still while the grant is on its way out. */
async function endingAtNobody(
  env: NodeJS.ProcessEnv,
): Promise<{ daemon: EmbeddedDaemon; world: World<Habitable>; grantId: string }> {
  const daemon = await home.start(env)
  const admin = daemon.api(await home.bootstrap('--name', `admin ${randomBytes(3).toString('hex')}`))
  const broker = { admin, api: daemon.api, database: await home.database(), close: async () => {} }
  const world = await inhabit(broker, vault, await furnished(vault))
  const grantId = await world.grant(world.alice, {})
  await paused(vault)
  await world.alice.api.must(world.alice.api.post(`/api/grants/${grantId}/give-back`))
  return { daemon, world, grantId }
}

describe('a daemon that is told to stop', () => {
  it('lets go of who waits for a grant, and of a target that does not answer', async () => {
    const { daemon, world, grantId } = await endingAtNobody({ LATCHKEY_SHUTDOWN_SECONDS: '60' })
    const waiting = world.alice.api.get(`/api/grants/${grantId}?waitSeconds=30`)
    const looked = world.broker.admin.post(`/api/integrations/${world.integrationId}/health`).catch(() => 'cut off')
    await vi.waitUntil(async () => (await world.alice.api.get('/livez')).status === 200)
    daemon.child.kill('SIGTERM')
    const end = exited(daemon)
    expect(await waiting).toMatchObject({ status: 200, body: { state: 'revoking' } })
    expect(await end).toEqual([0, null]) // 1 is what the time limit ends with
    await looked
    expect(serverPid(data())).toBeUndefined()
    vault.resume()
    const again = await home.start()
    await vi.waitFor(async () => {
      const { body } = await again.api(world.alice.token).get(`/api/grants/${grantId}`)
      expect(body.state).toBe('revoked')
    }, 60_000)
  })

  /** While the daemon is busy with a call that waits for a lock, and therefore cannot stop. */
  async function whileItAnswers(
    daemon: EmbeddedDaemon,
    meanwhile: (waitedFor: (time: string) => Promise<void>) => Promise<void>,
  ) {
    const admin = daemon.api(await home.bootstrap('--name', `admin ${randomBytes(3).toString('hex')}`))
    const { url, query } = await home.database()
    await within(url, async (holder) => {
      await holder.query('begin')
      await holder.query('lock table users in share row exclusive mode')
      const asked = admin.post('/api/users', { name: 'alice' }).catch(() => 'cut off')
      await meanwhile(async (time) => {
        const waits = `select 1 from pg_locks l join pg_stat_activity a using (pid)
          where not l.granted and a.query_start < now() - $1::interval`
        await vi.waitUntil(async () => (await query(waits, [time])).length > 0, { timeout: 30_000 })
      })
      await holder.query('rollback').catch(() => 'its server is gone')
      await asked
    })
  }

  it('answers what it was asked before, and only then lets go of its database', async () => {
    const daemon = await home.start({ LATCHKEY_SHUTDOWN_SECONDS: '60' })
    const admin = daemon.api(await home.bootstrap('--name', 'ada'))
    const { url, query } = await home.database()
    const { end: ended } = await within(url, async (holder) => {
      await holder.query('begin')
      await holder.query('lock table users in share row exclusive mode')
      const made = admin.post('/api/users', { name: 'alice' })
      // Longer than a connection is kept on which nothing is answered.
      const waits = (more: string) =>
        query(`select 1 from pg_locks l join pg_stat_activity a using (pid) where not l.granted and ${more}`)
      await vi.waitUntil(async () => (await waits('true')).length > 0, { timeout: 20_000 })
      daemon.child.kill('SIGTERM')
      const end = exited(daemon)
      await vi.waitUntil(() => daemon.said().includes('stopping'), { timeout: 20_000 })
      await vi.waitUntil(async () => (await waits(`a.query_start < now() - interval '7 s'`)).length > 0, { timeout: 20_000 })
      await holder.query('rollback')
      expect(await made).toMatchObject({ status: 201, body: { name: 'alice' } })
      return { end }
    })
    expect(await ended).toEqual([0, null])
    expect(daemon.logged()).not.toMatch(/"level":50/)
  })

  it('stops its database although its time is up', async () => {
    const { daemon } = await endingAtNobody({ LATCHKEY_SHUTDOWN_SECONDS: '1' })
    const late = serverPid(data())!
    daemon.child.kill('SIGTERM')
    expect((await exited(daemon))[0]).toBe(1)
    expect(isServer(late, data())).toBe(false)
  })

  it('stops its database although somebody tells it again, and does not wait', async () => {
    const hurried = await home.start({ LATCHKEY_SHUTDOWN_SECONDS: '60' })
    const pid = serverPid(data())!
    await whileItAnswers(hurried, async (waitedFor) => {
      hurried.child.kill('SIGTERM')
      await waitedFor('2 s')
      const end = exited(hurried)
      hurried.child.kill('SIGINT')
      expect(await end).toEqual([130, null])
    })
    await vi.waitUntil(() => !isServer(pid, data()), { timeout: 20_000 })
  })

  it('takes for one ctrl-c what the terminal and npm tell it of at once', async () => {
    const daemon = await home.start({ LATCHKEY_SHUTDOWN_SECONDS: '60' })
    const end = exited(daemon)
    await whileItAnswers(daemon, async (waitedFor) => {
      daemon.child.kill('SIGINT')
      await vi.waitUntil(() => daemon.said().includes('stopping'), { timeout: 20_000 })
      daemon.child.kill('SIGINT')
      await waitedFor('2 s')
    })
    expect(await end).toEqual([0, null])
  })
})
