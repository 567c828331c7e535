import { describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Answer } from '../support/api.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import type { Boundary, CallUnderWay } from '../support/fault-proxy.ts'
import { expectExact, expectNothingLeft, expectOneCredential, getsIn, type Stage, setStage } from '../support/stage.ts'
import type { PersonInWorld } from '../support/world.ts'

/** Past every lease and patience of 30 s, on the real clock. */
const LONG_MS = 36_000
const TIMEOUT_MS = 150_000
const WRITE_USER = { name: 'POST auth/apono/users/:user', nth: 1 }
const WRITE_POLICY = { name: 'POST sys/policies/acl/:policy', nth: 1 }
const DELETE_POLICY = { name: 'DELETE sys/policies/acl/:policy', nth: 1 }

interface Replicas {
  readonly stage: Stage<Daemon>
  /** Stops the first replica dead in the middle of a call that `begin` leads to, keeps the call on its way, and starts another one. */
  pausedAt(boundary: Boundary, begin: () => Promise<unknown>): Promise<Paused>
}

interface Paused {
  /** alice at the replica that was not paused */
  readonly alice: PersonInWorld
  /** The call reaches the server at last, and the paused replica goes on with its answer. */
  goOn(): Promise<void>
  /** resolves when the pause was longer than any lease */
  readonly long: Promise<unknown>
}

async function withReplicas(story: (replicas: Replicas) => Promise<void>): Promise<void> {
  const stage = await setStage(startDaemon)
  const { proxy, home, world } = stage
  let other: Daemon | undefined
  try {
    await story({
      stage,
      async pausedAt(boundary, begin) {
        const held = Promise.withResolvers<CallUnderWay>()
        const arrived = Promise.withResolvers<void>()
        proxy.begin()
        void proxy.strike(boundary, async (call) => {
          home.pause()
          held.resolve(call)
          await arrived.promise
        })
        const begun = begin().catch(() => {})
        const call = await held.promise
        const since = performance.now()
        other = await startDaemon({ beside: home })
        return {
          alice: { ...world.alice, api: other.api(world.alice.token) },
          long: waitFor('a long pause', async () => performance.now() - since > LONG_MS),
          async goOn() {
            const reply = await call.forward()
            home.resume()
            await call.reply(reply)
            arrived.resolve()
            await begun
          },
        }
      },
    })
  } finally {
    home.resume()
    await other?.close()
    await stage.close()
  }
}

describe.concurrent('of two replicas one is paused past its lease', { timeout: TIMEOUT_MS }, () => {
  it('while it provisions: the other one gives the access, and it stays as it is', () =>
    withReplicas(async ({ stage, pausedAt }) => {
      const { world } = stage
      const flow = await world.flow()
      const { alice, goOn } = await pausedAt(WRITE_USER, () => world.request(world.alice, { flowId: flow.id }))
      const [grant] = await stage.database.query<{ id: string }>('select id from grants')
      await world.until(alice, grant!.id, 'active', 60_000)
      const opened = await world.open(alice, grant!.id)
      await goOn()
      await waitFor('it to notice', async () => stage.home.log().includes('another replica has taken the provisioning over'))
      expect(await getsIn(stage.vault, opened)).toBe(true)
      await world.until(world.alice, grant!.id, 'active')
      await expectExact(stage, grant!.id)
      await expectOneCredential(stage, grant!.id, opened)
      await expectNothingLeft(stage, opened)
    }))

  it('while it provisions: what it writes after the grant is over is taken away again', () =>
    withReplicas(async ({ stage, pausedAt }) => {
      const { world, database } = stage
      const flow = await world.flow()
      const { alice, goOn } = await pausedAt(WRITE_POLICY, () => world.request(world.alice, { flowId: flow.id }))
      const [grant] = await database.query<{ id: string }>('select id from grants')
      await world.until(alice, grant!.id, 'active', 60_000)
      const opened = await world.open(alice, grant!.id)
      await alice.api.post(`/api/grants/${grant!.id}/give-back`)
      await world.until(alice, grant!.id, 'revoked')
      await goOn()
      await waitFor('it to be looked at once more', async () => {
        const rechecked = await database.query(`select 1 from audit_events where kind = 'grant.rechecked'`)
        return rechecked.length > 0
      })
      await expectNothingLeft(stage, opened)
    }))

  it('while it opens: nobody else opens until its patience is over, and what the other one opened then goes on working', () =>
    withReplicas(async ({ stage, pausedAt }) => {
      const { world, database, proxy } = stage
      const grantId = await world.grant(world.alice, {})
      const former = await world.open(world.alice, grantId)
      let returned: Answer | undefined
      const { alice, goOn, long } = await pausedAt(WRITE_USER, async () => {
        returned = await world.alice.api.post(`/api/grants/${grantId}/open`)
      })
      const early = await alice.api.post(`/api/grants/${grantId}/open`)
      expect(early).toMatchObject({ status: 409, body: { code: 'conflict', message: expect.stringContaining('at this moment') } })
      expect(proxy.calls.filter((name) => name === WRITE_USER.name)).toHaveLength(1) // the one that is held
      expect(await getsIn(stage.vault, former)).toBe(true)
      await long
      const opened = await world.open(alice, grantId)
      expect(await getsIn(stage.vault, former)).toBe(false)
      await goOn()
      // It was too slow for its target, or for the grant: whichever it notices first.
      expect(returned?.status).toSatisfy((status) => status === 409 || status === 504)
      expect(await getsIn(stage.vault, opened)).toBe(true)
      const openings = await database.query(`select state from openings where grant_id = $1 order by opened_at`, [grantId])
      expect(openings.map(({ state }) => state)).toEqual(['superseded', 'superseded', 'delivered'])
      await expectOneCredential(stage, grantId, opened)
      await expectNothingLeft(stage, former, opened)
    }))

  it('while it revokes: the other one does it, and the receipt stays as it is', () =>
    withReplicas(async ({ stage, pausedAt }) => {
      const { world } = stage
      const grantId = await world.grant(world.alice, {})
      const opened = await world.open(world.alice, grantId)
      const { alice, goOn } = await pausedAt(DELETE_POLICY, () => world.alice.api.post(`/api/grants/${grantId}/give-back`))
      await world.until(alice, grantId, 'revoked', 60_000)
      expect(await getsIn(stage.vault, opened)).toBe(false)
      const receipt = async () => (await world.alice.api.get(`/api/grants/${grantId}/receipt`)).body
      const before = await alice.api.get(`/api/grants/${grantId}/receipt`)
      await goOn()
      await waitFor('it to go on', async () => (await world.alice.api.get(`/api/grants/${grantId}`)).status === 200)
      await expectNothingLeft(stage, opened)
      expect(await receipt()).toEqual(before.body)
    }))
})

describe('two replicas on one database', () => {
  it('end two hundred grants, each once', { timeout: TIMEOUT_MS }, async () => {
    const stage = await setStage(startDaemon)
    const other = await startDaemon({ beside: stage.home })
    const { world, database, home } = stage
    try {
      const flow = await world.flow()
      const doors = [world.alice, { ...world.alice, api: other.api(world.alice.token) }]
      for (let asked = 0; asked < 200; asked += 20) {
        await Promise.all(Array.from({ length: 20 }, (_, index) => world.request(doors[index % 2]!, { flowId: flow.id })))
      }
      const inState = async (state: string) => (await database.query('select id from grants where state = $1', [state])).length
      await waitFor('all to be active', async () => (await inState('active')) === 200)
      const grants = await database.query<{ id: string }>('select id from grants order by id')
      // One half comes to its end at one moment, the other is revoked at both replicas at once.
      const due = grants.slice(0, 100).map(({ id }) => id)
      await database.query('update grants set expires_at = now(), begins_at = now() - interval $$1 h$$ where id = any($1)', [due])
      await database.query(`update due_work set run_at = now(), version = version + 1 where subject = any($1)`, [due])
      const answers = await Promise.all(
        grants
          .slice(100)
          .flatMap(({ id }) =>
            [home, other].map(({ admin }) => admin.post(`/api/grants/${id}/revoke`, { reason: 'all at once' })),
          ),
      )
      expect(answers.filter(({ status }) => status === 202)).toHaveLength(100)
      expect(answers.filter(({ status }) => status === 409)).toHaveLength(100)
      await waitFor('all to be over', async () => (await inState('expired')) === 100 && (await inState('revoked')) === 100)
      await expectNothingLeft(stage)
    } finally {
      await other.close()
      await stage.close()
    }
  })
})
