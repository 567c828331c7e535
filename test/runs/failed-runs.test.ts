import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { BrokerError } from '../../src/sdk/index.ts'
import type { Broker } from '../support/broker.ts'
import { type PaintingToy, startPainting } from '../support/painting-toy.ts'

describe('what failed, or could not be undone', { timeout: 60_000 }, () => {
  let toy: PaintingToy
  let broker: Broker
  let integrationId: string

  beforeAll(async () => {
    ;({ toy, broker, integrationId } = await startPainting())
  }, 120_000)
  beforeEach(() => {
    toy.walls.clear()
    toy.walls.set('north', 'white')
    toy.whenPlanned = async () => {}
    toy.whenPainted = async () => {}
    toy.undoFails = undefined
    toy.refusesUndo = false
  })
  afterAll(() => broker?.close())

  const ordered = async (colour: string): Promise<string> => {
    const body = { integrationId, action: 'paint-wall', input: { wall: 'north', colour }, reason: 'it is grey' }
    return (await broker.admin.must(broker.admin.post('/api/runs', body))).id
  }
  const run = (id: string) => broker.admin.must(broker.admin.get(`/api/runs/${id}`))
  const until = (id: string, state: string) =>
    waitFor(`the run to be ${state}`, async () => {
      const now = await run(id)
      return now.state === state && now
    })
  const preview = (id: string) => broker.admin.must(broker.admin.get(`/api/runs/${id}/rollback`))
  const rollBack = (id: string) => broker.admin.post(`/api/runs/${id}/rollback`, { reason: 'it was nicer before' })
  /** what happened, in order */
  const trail = async (id: string) => {
    const sql = 'select kind from audit_events where subject = $1 order by id'
    const told = await broker.database.query<{ kind: string }>(sql, [id])
    return told.map(({ kind }) => kind.replace('run.', '')).join(' ')
  }
  /** It was painted in another colour than it was to be, and somebody stood in the way when that was to be undone. */
  const failed = async () => {
    toy.whenPainted = async () => toy.walls.set('north', 'grey')
    toy.refusesUndo = true
    const id = await ordered('canary-red')
    return { id, now: await until(id, 'failed') }
  }
  /** It cannot be undone for now, and has not been for longer than anybody waits for. */
  const stuck = async () => {
    const id = await ordered('red')
    await until(id, 'executed')
    toy.undoFails = new BrokerError('target.unreachable', 'the painter is away')
    await broker.admin.must(rollBack(id))
    await broker.database.query(
      `update ordered_runs set undo = jsonb_set(undo, '{at}', to_jsonb('2020-01-01T00:00:00Z'::text)) where id = $1`,
      [id],
    )
    await until(id, 'stuck')
    return id
  }

  it('is taken back by a person where something of it was left, with a receipt, and not by itself', async () => {
    const { id, now } = await failed()
    expect(now).toMatchObject({
      failure: { code: 'target.unverified' },
      problem: { code: 'target.conflict', message: expect.stringContaining(now.failure.message) },
      undo: { by: null },
      undoable: true,
      doneAt: null,
    })
    expect(toy.walls.get('north')).toBe('grey')
    expect(await preview(id)).toMatchObject({ possible: true, by: 'admin' })
    // Still in the way: it rests as it was, and can be taken back another time.
    await broker.admin.must(rollBack(id))
    await waitFor('the refusal', async () => (await trail(id)).endsWith('undoing refused undoing refused'))
    const still = await until(id, 'failed')
    expect(still).toMatchObject({ failure: now.failure, undo: { reason: 'it was nicer before' }, undoable: true })
    toy.refusesUndo = false
    await broker.admin.must(rollBack(id))
    const undone = await until(id, 'undone')
    expect(undone).toMatchObject({
      undoable: false,
      failure: now.failure,
      problem: null,
      undo: { by: { id: expect.any(String) } },
    })
    expect(toy.walls.get('north')).toBe('white')
    const receipt = await broker.admin.must(broker.admin.get(`/api/runs/${id}/receipt`))
    expect(receipt).toMatchObject({
      before: [{ target: 'north', before: { colour: 'white' } }],
      failure: now.failure,
      done: null,
      undo: { reason: 'it was nicer before' },
      problem: null,
      undone: { evidence: [{ artefact: 'north', holds: true }] },
    })
    expect(await trail(id)).toBe('ordered failed undoing refused undoing refused undoing undone')
    expect((await rollBack(id)).body).toMatchObject({ code: 'conflict', message: expect.stringContaining('undone') })
    const kept = await broker.database.query('select sealed from action_steps where run_id = $1', [id])
    expect(kept).toEqual([{ sealed: null }])
  })

  it('is forgotten only when it has been taken back, and not while it may be', async () => {
    const { id } = await failed()
    const settledAt = async () => (await broker.database.query('select settled_at from action_runs where id = $1', [id]))[0]
    expect(await settledAt()).toMatchObject({ settled_at: expect.any(Date) })
    toy.undoFails = new BrokerError('target.unreachable', 'the painter is away')
    await broker.admin.must(rollBack(id))
    expect(await settledAt()).toEqual({ settled_at: null })
    toy.undoFails = undefined
    toy.refusesUndo = false
    await until(id, 'undone')
    expect(await settledAt()).toMatchObject({ settled_at: expect.any(Date) })
  })

  it('is not taken back where nothing of it was left, and says so', async () => {
    toy.whenPlanned = async () => {
      throw new BrokerError('target.invalid', 'there is no such wall')
    }
    const id = await ordered('red')
    expect(await until(id, 'failed')).toMatchObject({ undoable: false })
    expect(await preview(id)).toMatchObject({ possible: false, because: 'the run failed, and nothing of it is in the target' })
    expect((await rollBack(id)).body).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('nothing of it is in the target'),
    })
    expect((await run(id)).state).toBe('failed')
  })

  it('fails and rests where its plugin has lost the action since, so that nobody could take it back', async () => {
    toy.whenPainted = async () => {
      for (const table of ['action_runs', 'ordered_runs'])
        await broker.database.query(
          `update ${table} set action = 'former-action' where id in (select id from action_runs where state = 'executing')`,
        )
      throw new BrokerError('target.unreachable', 'the painter is away')
    }
    const id = await ordered('red')
    expect(await until(id, 'failed')).toMatchObject({ undoable: false, failure: { code: 'target.unsupported' } })
  })

  it('rests once the target says no, although it had been stuck, and lets the next one have its turn', async () => {
    const id = await stuck()
    const next = await ordered('blue')
    await waitFor('the next one to wait', async () => (await run(next)).problem?.code === 'run.locked')
    toy.undoFails = new BrokerError('target.conflict', 'somebody else painted north')
    expect(await until(id, 'executed')).toMatchObject({
      problem: { code: 'target.conflict' },
      failure: null,
      undo: { reason: 'it was nicer before' },
    })
    await until(next, 'executed')
    toy.undoFails = undefined
    await broker.admin.must(rollBack(id))
    await until(id, 'undone')
  })

  it('is no longer tried to be undone when an admin says so, lets go of what it held, and may be undone later', async () => {
    const id = await stuck()
    await broker.admin.must(broker.admin.post(`/api/runs/${id}/cancel`))
    expect(await run(id)).toMatchObject({
      state: 'failed',
      undoable: true,
      failure: null,
      undo: { reason: 'it was nicer before' },
      problem: { code: 'run.cancelled', message: expect.stringMatching(/no longer tries to undo it.*the painter is away/) },
    })
    await until(await ordered('blue'), 'executed')
    toy.undoFails = undefined
    await broker.admin.must(rollBack(id))
    await until(id, 'undone')
    expect(await trail(id)).toBe('ordered executed undoing stuck cancelled undoing undone')
  })
})
