import { afterEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { startDaemon } from '../support/daemon.ts'
import { type OwnDatabase, ownDatabase } from '../support/own-database.ts'
import { expectNothingLeft, getsIn, type Stage, setStage } from '../support/stage.ts'
import { type Opened, traces, tries, usersOfGrants } from '../support/world.ts'

const SECONDS = 4
/** From the end of the outage until everything is removed. */
const SOON_MS = 10_000

describe('over the end of a grant', () => {
  const closing: { close(): Promise<unknown> }[] = []

  afterEach(async () => {
    for (const each of closing.splice(0).reverse()) await each.close()
  })

  async function staged(): Promise<Stage<Broker>> {
    const stage = await setStage(startBroker)
    closing.push(stage)
    return stage
  }

  async function opened({ world }: Stage, flowId?: string): Promise<Opened & { grantId: string; endsAt: number }> {
    const grantId = await world.grant(world.alice, { seconds: SECONDS, ...(flowId && { flowId }) })
    const { expiresAt } = await world.until(world.alice, grantId, 'active')
    return { ...(await world.open(world.alice, grantId)), grantId, endsAt: Date.parse(expiresAt) }
  }

  const past = (at: number) => waitFor('the end', async () => Date.now() > at)

  it('a sealed server keeps no door open: the token is refused at once when it is unsealed, and all is removed soon', async () => {
    const stage = await staged()
    const grant = await opened(stage)
    expect(await getsIn(stage.vault, grant)).toBe(true)
    await stage.vault.seal()
    await past(grant.endsAt)
    await stage.vault.unseal()
    expect(await tries(stage.vault, grant.token, 'GET', 'kv/data/app/db')).toBe(403)
    await stage.world.until(stage.world.alice, grant.grantId, 'expired', SOON_MS)
    await expectNothingLeft(stage, grant)
  })

  it('a sealed server keeps nobody waiting who asks: the request is there without its plan, and is carried out later', async () => {
    const stage = await staged()
    const { world, vault } = stage
    const { alice, bob } = world
    const flow = await world.flow({ approval: { kind: 'approvers', users: [bob.id], groups: [], needed: 1 } })
    await vault.seal()
    let asked: { id: string } | undefined
    void world.request(alice, { flowId: flow.id }).then((request) => {
      asked = request
    })
    await waitFor('an answer while the server is sealed', async () => asked !== undefined, 15_000)
    const place = `/api/access-requests/${asked!.id}`
    expect((await bob.api.get(place)).body).toMatchObject({ state: 'pending', steps: [] })
    await vault.unseal()
    await bob.api.must(bob.api.post(`${place}/approvals`, { decision: 'approve' }))
    const { grantId } = (await alice.api.get(place)).body
    await world.until(alice, grantId, 'active', 60_000)
    expect((await bob.api.get(place)).body.steps).toHaveLength(2)
    await expectNothingLeft(stage)
  })

  it('a server that was stopped and started again keeps none open either', async () => {
    const stage = await staged()
    const grant = await opened(stage)
    await stage.vault.kill('SIGKILL')
    await past(grant.endsAt)
    await stage.vault.restart()
    expect(await tries(stage.vault, grant.token, 'GET', 'kv/data/app/db')).toBe(403)
    await stage.world.until(stage.world.alice, grant.grantId, 'expired', SOON_MS)
    await expectNothingLeft(stage, grant)
  })

  it('a dead daemon and a dead database leave the end to the server, and clear up when they are back', async () => {
    const database = await ownDatabase()
    closing.push({ close: () => database.drop() })
    const stage = await setStage(() => startDaemon({ database }))
    closing.push(stage)
    const { vault, home, world } = stage
    const grant = await opened(stage)
    const [user] = await usersOfGrants(vault)
    await home.kill()
    await database.stop()
    expect(await tries(vault, grant.token, 'GET', 'kv/data/app/db')).toBe(200)
    await waitFor('the server to refuse', async () => (await tries(vault, grant.token, 'GET', 'kv/data/app/db')) === 403)
    expect(Date.now()).toBeLessThan(grant.endsAt + 1_000)
    expect((await vault.api('POST', `auth/apono/login/${user}`, { password: grant.token })).status).toBe(400)

    await database.start()
    const before = Date.now()
    await home.start()
    await world.until(world.alice, grant.grantId, 'expired', SOON_MS)
    await expectNothingLeft(stage, grant)
    const { body: receipt } = await world.alice.api.get(`/api/grants/${grant.grantId}/receipt`)
    expect(Date.parse(receipt.dueAt)).toBe(grant.endsAt)
    expect(Date.parse(receipt.powerlessAt)).toBeGreaterThanOrEqual(before)
    for (const { at } of receipt.evidence) expect(Date.parse(at)).toBeGreaterThanOrEqual(before)
  })

  it('a password ends as its grant says: by the server, or by the daemon when it is back', async () => {
    const stage = await setStage(startDaemon)
    closing.push(stage)
    const { vault, home, world, passwords } = stage
    const grant = await opened(stage, passwords.id)
    const { guarantee } = await world.until(world.alice, grant.grantId, 'active')
    expect(await getsIn(vault, grant)).toBe(true)
    await home.kill()
    await past(grant.endsAt + 1_500)
    // The whole truth of `broker`: on a server whose policies carry no end, nobody but the daemon takes this away.
    expect(await getsIn(vault, grant)).toBe(guarantee === 'broker')
    await home.start()
    await waitFor('the password to be void', async () => !(await getsIn(vault, grant)), SOON_MS)
    await world.until(world.alice, grant.grantId, 'expired', SOON_MS)
    await expectNothingLeft(stage, grant)
  })

  it('a database that is started again in the middle of provisioning gives what was approved', async () => {
    const database: OwnDatabase = await ownDatabase()
    closing.push({ close: () => database.drop() })
    const stage = await setStage(() => startDaemon({ database }))
    closing.push(stage)
    const { world, proxy } = stage
    const flow = await world.flow()
    const struck = proxy.strike({ name: 'POST auth/apono/users/:user', nth: 1 }, async (call) => {
      await database.stop()
      await database.start()
      await call.reply(await call.forward())
    })
    await Promise.allSettled([world.request(world.alice, { flowId: flow.id }), struck])
    await struck
    const [grant] = await database.query<{ id: string }>('select id from grants')
    await waitFor(
      'the grant to be active',
      async () => {
        const answer = await world.alice.api.get(`/api/grants/${grant!.id}`)
        return answer.status === 200 && answer.body.state === 'active'
      },
      SOON_MS,
    )
    await expectNothingLeft(stage)
    expect(await traces(stage.vault)).toEqual([])
  })
})
