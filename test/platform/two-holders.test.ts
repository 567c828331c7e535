import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { HeldRun } from '../../src/actions/action-run.ts'
import { Journal } from '../../src/actions/journal.ts'
import type { RunState } from '../../src/actions/run-machine.ts'
import { move } from '../../src/actions/transition.ts'
import { enqueue } from '../../src/platform/due/due-work.ts'
import { newId } from '../../src/platform/ids.ts'
import { Database } from '../../src/platform/postgres/database.ts'
import { BrokerError } from '../../src/sdk/index.ts'
import { startToyGrants, type ToyGrants } from '../support/toy-grants.ts'

const DOORS = 3

describe('of two that hold a run, who claimed it first', () => {
  let toys: ToyGrants
  let journal: Journal
  let database: Database

  beforeAll(async () => {
    toys = await startToyGrants(DOORS)
    journal = toys.broker.app.get(Journal)
    database = toys.broker.app.get(Database)
  })
  afterEach(() => {
    for (const hook of ['execute', 'rollback', 'verifyGone'] as const) delete toys.hooks[hook]
    toys.calls.length = 0
  })
  afterAll(() => toys?.close())

  const runOf = (grantId: string) => grantId.replace('grt_', 'run_')
  const claim = async (runId: string, ...from: RunState[]): Promise<HeldRun> =>
    (await database.transaction((tx) => journal.claim(tx, [runId], from))).get(runId)!
  const stepsOf = (grantId: string) =>
    toys.broker.database.query<{ state: string; sealed: string | null }>(
      'select state, sealed from action_steps where run_id = $1 order by position',
      [runOf(grantId)],
    )
  const grantOf = async (grantId: string) =>
    (
      await toys.broker.database.query<{ state: string; cut_at: Date | null; receipt: unknown }>(
        'select state, cut_at, receipt from grants where id = $1',
        [grantId],
      )
    )[0]!
  const settled = (grantId: string, kind: string) =>
    waitFor('its work to be settled', async () => {
      const left = await toys.broker.database.query('select 1 from due_work where subject = $1 and kind = $2', [grantId, kind])
      return left.length === 0
    })
  /** Gives the work to the one that claimed last, as if it had been the one to take it. */
  const goOn = async (grantId: string, lane: 'cut' | 'clean' | 'provision', kind: string) =>
    database.transaction((tx) => enqueue(tx, [{ lane, kind, subject: grantId, shard: toys.integrationId }]))

  /** Holds the first call of that kind until told, and then lets it do as `after` says. */
  function held(hook: 'execute' | 'rollback' | 'verifyGone', after: () => void = () => {}) {
    const reached = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    let isFirst = true
    toys.hooks[hook] = async () => {
      if (!isFirst) return
      isFirst = false
      reached.resolve()
      await gate.promise
      after()
    }
    return { reached: reached.promise, letGo: gate.resolve }
  }

  it('may write nothing of it any more', async () => {
    const grantId = await toys.grant()
    const runId = runOf(grantId)
    const first = await claim(runId, 'executed')
    const second = await claim(runId, 'executed')
    expect(BigInt(second.epoch)).toBeGreaterThan(BigInt(first.epoch))
    expect(await claim(runId, 'pending', 'executing')).toBeUndefined()
    const fenced = { code: 'run.fenced' }
    await expect(database.transaction((tx) => move(tx, first, 'undo'))).rejects.toMatchObject(fenced)
    await expect(database.transaction((tx) => journal.plan(tx, first, []))).rejects.toMatchObject(fenced)
    expect(await database.transaction((tx) => journal.stillOurs(tx, [first]))).toEqual(new Set())
    expect(await database.transaction((tx) => journal.stillOurs(tx, [second]))).toEqual(new Set([runId]))
    const [run] = await toys.broker.database.query('select state, epoch from action_runs where id = $1', [runId])
    expect(run).toEqual({ state: 'executed', epoch: second.epoch })
  })

  it('leaves to the next one every step of a plan that it was just writing down', async () => {
    const runId = newId('run')
    const run = {
      id: runId,
      integrationId: toys.integrationId,
      action: 'grant-access',
      input: {},
      startedBy: { kind: 'person', id: 'usr_1' } as const,
    }
    await database.transaction((tx) => journal.open(tx, run))
    const first = await claim(runId, 'pending')
    const step = { kind: 'door', target: `doors/${runId}`, summary: 'Lets the grantee in.', args: {} }
    let next: Promise<HeldRun> | undefined
    await database.transaction(async (tx) => {
      await journal.plan(tx, first, [step, step])
      next = claim(runId, 'pending', 'executing')
      await waitFor('the claim to wait for the plan', async () => {
        const waiting = await toys.broker.database.query(
          `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%action_runs%' and datname = current_database()`,
        )
        return waiting.length > 0
      })
    })
    expect((await next)?.steps).toHaveLength(2)
  })

  it('does not make the grant active', async () => {
    const { reached, letGo } = held('execute')
    const grantId = await toys.request()
    await reached
    await claim(runOf(grantId), 'executing')
    letGo()
    await settled(grantId, 'grant.provision')
    expect(await grantOf(grantId)).toMatchObject({ state: 'provisioning' })
    await goOn(grantId, 'provision', 'grant.provision')
    await toys.until(grantId, 'active')
  })

  it('does not give the grant up, whatever its call came to', async () => {
    const { reached, letGo } = held('execute', () => {
      throw new BrokerError('target.invalid', 'malformed')
    })
    const grantId = await toys.request()
    await reached
    await claim(runOf(grantId), 'executing')
    letGo()
    await settled(grantId, 'grant.provision')
    expect(await grantOf(grantId)).toMatchObject({ state: 'provisioning' })
    await goOn(grantId, 'provision', 'grant.provision')
    await toys.until(grantId, 'active')
  })

  it('does not say that the grant is powerless', async () => {
    const grantId = await toys.grant()
    const { reached, letGo } = held('rollback')
    await toys.giveBack(grantId)
    await reached
    await claim(runOf(grantId), 'undoing')
    letGo()
    await settled(grantId, 'grant.end')
    expect(await grantOf(grantId)).toMatchObject({ state: 'revoking', cut_at: null })
    expect((await stepsOf(grantId)).at(-1)).toMatchObject({ state: 'undoing' })
    await goOn(grantId, 'cut', 'grant.end')
    await toys.until(grantId, 'revoked')
  })

  it('does not say that the grant is over, and writes no receipt', async () => {
    const grantId = await toys.grant()
    const { reached, letGo } = held('verifyGone')
    await toys.giveBack(grantId)
    await reached
    await claim(runOf(grantId), 'undoing')
    letGo()
    await settled(grantId, 'grant.clean')
    expect(await grantOf(grantId)).toMatchObject({ state: 'revoking', receipt: null })
    await goOn(grantId, 'clean', 'grant.clean')
    await toys.until(grantId, 'revoked')
  })
})

describe('a run of several steps', () => {
  let toys: ToyGrants

  beforeAll(async () => {
    toys = await startToyGrants(DOORS)
  })
  afterAll(() => toys?.close())

  const sealedOf = async (grantId: string) =>
    (
      await toys.broker.database.query<{ sealed: string | null }>('select sealed from action_steps where run_id = $1', [
        grantId.replace('grt_', 'run_'),
      ])
    ).map(({ sealed }) => sealed)

  it('is undone last first: the step that confers power, and then all that are left, each in its turn', async () => {
    const grantId = await toys.grant()
    toys.calls.length = 0
    await toys.giveBack(grantId)
    await toys.until(grantId, 'revoked')
    expect(toys.calls).toEqual(['rollback 2', 'rollback 1', 'rollback 0'])
  })

  it('forgets what was sealed for the undoing of a step when it is undone', async () => {
    const grantId = await toys.grant()
    expect((await sealedOf(grantId)).filter((sealed) => sealed !== null)).toHaveLength(DOORS)
    await toys.giveBack(grantId)
    await toys.until(grantId, 'revoked')
    expect(await sealedOf(grantId)).toEqual(Array.from({ length: DOORS }, () => null))
  })

  it('gives each step what was recorded of it however often it is undone', async () => {
    const undone = new Map<string, unknown[]>()
    toys.hooks.rollback = async ({ target }, record) => {
      const records = undone.get(target) ?? []
      undone.set(target, [...records, record])
      if (records.length === 0) throw new BrokerError('target.failed', 'not at the first time')
    }
    const grantId = await toys.grant()
    await toys.giveBack(grantId)
    await toys.until(grantId, 'revoked')
    delete toys.hooks.rollback
    expect(undone.size).toBe(DOORS)
    for (const [target, records] of undone)
      expect(new Set(records.map((each) => JSON.stringify(each)))).toEqual(new Set([JSON.stringify({ opened: target })]))
  })

  it('opens what was sealed for one step for no other', async () => {
    const runId = (await toys.grant()).replace('grt_', 'run_')
    await toys.broker.database.query(
      `update action_steps s set sealed = o.sealed from action_steps o
       where s.run_id = $1 and o.run_id = $1 and s.position = 0 and o.position = 1`,
      [runId],
    )
    const journal = toys.broker.app.get(Journal)
    const claim = toys.broker.app.get(Database).transaction((tx) => journal.claim(tx, [runId], ['executed']))
    await expect(claim).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('moved or altered') })
  })

  it('leaves the steps of other runs as they are', async () => {
    const [other, grantId] = [await toys.grant(), await toys.grant()]
    await toys.giveBack(grantId)
    await toys.until(grantId, 'revoked')
    const left = await toys.broker.database.query(
      'select state, sealed is not null as "isSealed" from action_steps where run_id = $1',
      [other.replace('grt_', 'run_')],
    )
    expect(left).toEqual(Array.from({ length: DOORS }, () => ({ state: 'executed', isSealed: true })))
  })

  it('goes on in the system it was begun in, and in no other', async () => {
    toys.calls.length = 0
    let cluster = 'toys'
    toys.hooks.cluster = () => cluster
    toys.hooks.execute = async ({ target }) => {
      if (!target.endsWith('/1') || cluster !== 'toys') return
      cluster = 'others'
      throw new BrokerError('target.unreachable', 'not now')
    }
    const grantId = await toys.request()
    await waitFor('it to be refused', async () => {
      const [grant] = await toys.broker.database.query<{ code: string }>(
        `select error ->> 'code' as code from grants where id = $1`,
        [grantId],
      )
      return grant?.code === 'target.moved'
    })
    expect(toys.calls).toEqual(['execute 0', 'execute 1'])
    delete toys.hooks.execute
    delete toys.hooks.cluster
    await toys.until(grantId, 'active')
    expect(toys.calls).toEqual(['execute 0', 'execute 1', 'execute 1', 'execute 2'])
  })

  it('goes on where it stood: what was executed is not executed again', async () => {
    toys.calls.length = 0
    let failures = 0
    toys.hooks.execute = async ({ target }) => {
      if (!target.endsWith('/1') || failures++ > 0) return
      throw new BrokerError('target.unreachable', 'not now')
    }
    await toys.grant()
    expect(toys.calls).toEqual(['execute 0', 'execute 1', 'execute 1', 'execute 2'])
    delete toys.hooks.execute
  })
})
