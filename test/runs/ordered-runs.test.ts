import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { BrokerError } from '../../src/sdk/index.ts'
import type { Broker } from '../support/broker.ts'
import { ownToken } from '../support/own-token.ts'
import { type PaintingToy, startPainting } from '../support/painting-toy.ts'

describe('an action that an admin orders', { timeout: 60_000 }, () => {
  let toy: PaintingToy
  let broker: Broker
  let integrationId: string

  beforeAll(async () => {
    ;({ toy, broker, integrationId } = await startPainting())
  }, 120_000)
  beforeEach(() => {
    toy.walls.clear()
    toy.calls.length = 0
    toy.whenPainted = async () => {}
    toy.whenLooked = async () => {}
    toy.refusesUndo = false
  })
  afterAll(() => broker?.close())

  const order = (wall: string, colour: string, more: object = {}) =>
    broker.admin.post('/api/runs', {
      integrationId,
      action: 'paint-wall',
      input: { wall, colour },
      reason: 'it is grey',
      ...more,
    })
  const ordered = async (wall: string, colour: string, more: object = {}): Promise<string> =>
    (await broker.admin.must(order(wall, colour, more))).id
  const run = (id: string) => broker.admin.must(broker.admin.get(`/api/runs/${id}`))
  const until = (id: string, state: string) =>
    waitFor(`the run to be ${state}`, async () => {
      const now = await run(id)
      return now.state === state && now
    })
  const rollBack = (id: string) => broker.admin.post(`/api/runs/${id}/rollback`, { reason: 'it was nicer before' })

  it('is shown with its risk before it is done, and nothing is done', async () => {
    const listed = await broker.admin.must(broker.admin.get(`/api/integrations/${integrationId}/actions`))
    expect(listed.items[0]).toMatchObject({ name: 'paint-wall', title: 'Paint a wall', reversible: true, severity: 'medium' })
    const preview = await broker.admin.post(`/api/integrations/${integrationId}/actions/paint-wall/preview`, {
      input: { wall: 'north', colour: 'canary-blue' },
    })
    expect(preview.body, preview.text).toMatchObject({
      action: 'paint-wall',
      reversible: true,
      risk: { level: 'medium', reasons: expect.arrayContaining([expect.stringContaining('it may be production')]) },
      confirm: null,
      steps: [{ target: 'north', summary: 'Paints north.', before: { colour: 'bare' } }],
    })
    expect(preview.text).not.toContain('canary-blue')
    toy.wayBack = { isPossible: false, because: 'the painter keeps no photographs', restores: [] }
    const forGood = await broker.admin.post(`/api/integrations/${integrationId}/actions/paint-wall/preview`, {
      input: { wall: 'north', colour: 'blue' },
    })
    toy.wayBack = { isPossible: true, restores: [] }
    expect(forGood.body).toMatchObject({ reversible: false, irreversible: 'the painter keeps no photographs' })
    expect(toy.walls.size).toBe(0)
  })

  it('is done, read back, and taken back, with a receipt of both, and keeps no secret', async () => {
    toy.walls.set('north', 'white')
    const id = await ordered('north', 'canary-red')
    const done = await until(id, 'executed')
    expect(toy.walls.get('north')).toBe('canary-red')
    expect(done).toMatchObject({
      orderedBy: { id: expect.stringMatching(/^usr_/) },
      input: { wall: 'north', colour: { set: true } },
    })
    const sealed = await broker.database.query('select sealed from action_steps where run_id = $1', [id])
    expect(sealed).toEqual([{ sealed: null }])
    expect(await broker.admin.must(broker.admin.get(`/api/runs/${id}/rollback`))).toMatchObject({ possible: true })
    expect((await rollBack(id)).status).toBe(200)
    await until(id, 'undone')
    expect(toy.walls.get('north')).toBe('white')
    const receipt = await broker.admin.must(broker.admin.get(`/api/runs/${id}/receipt`))
    expect(receipt).toMatchObject({
      run: id,
      before: [{ target: 'north', before: { colour: 'white' } }],
      done: { evidence: [{ artefact: 'north', holds: true }] },
      undone: { evidence: [{ artefact: 'north', holds: true }] },
    })
    const kept = await broker.database.query('select * from action_steps where run_id = $1', [id])
    expect(kept[0]).toMatchObject({ sealed: null })
    const told = await broker.database.query<{ kind: string }>(
      'select kind, body from audit_events where subject = $1 order by id',
      [id],
    )
    expect(told.map(({ kind }) => kind)).toEqual(['run.ordered', 'run.executed', 'run.undoing', 'run.undone'])
    expect(JSON.stringify([kept, told, receipt])).not.toContain('canary-red')
    expect((await rollBack(id)).body).toMatchObject({ code: 'conflict' })
  })

  it('is taken back by itself when what is read back differs from what was written', async () => {
    toy.walls.set('north', 'white')
    toy.whenPainted = async () => toy.walls.set('north', 'grey')
    toy.undoFails = new BrokerError('target.unreachable', 'the painter is away')
    const id = await ordered('north', 'red')
    await waitFor('it not to be undone at once', async () => (await run(id)).problem?.code === 'target.unreachable')
    expect(await run(id)).toMatchObject({ state: 'undoing', failure: { code: 'target.unverified' } })
    toy.undoFails = undefined
    const undone = await until(id, 'undone')
    const why = { code: 'target.unverified' }
    expect(undone).toMatchObject({ problem: why, failure: why, undo: { by: null } })
    expect(toy.walls.get('north')).toBe('white')
  })

  it('stays done when the target refuses its undo, and says why', async () => {
    const id = await ordered('north', 'red')
    await until(id, 'executed')
    toy.refusesUndo = true
    expect((await rollBack(id)).status).toBe(200)
    const still = await waitFor('the refusal', async () => {
      const now = await run(id)
      return now.problem !== null && now.state === 'executed' && now
    })
    expect(still).toMatchObject({
      problem: { code: 'target.conflict' },
      failure: null,
      undo: { by: { id: expect.any(String) } },
    })
    toy.refusesUndo = false
    await broker.admin.must(rollBack(id))
    await until(id, 'undone')
  })

  it('is taken back with a warning where what would come back has ended by itself', async () => {
    const id = await ordered('north', 'red')
    await until(id, 'executed')
    const preview = async () => (await broker.admin.must(broker.admin.get(`/api/runs/${id}/rollback`))).warnings
    toy.outlook = { isPossible: true, until: '2020-01-01T00:00:00Z', restores: [] }
    expect(await preview()).toEqual(['What would come back has ended by itself, at 2020-01-01T00:00:00Z.'])
    toy.outlook = { isPossible: true, until: '2100-01-01T00:00:00Z', restores: [] }
    expect(await preview()).toEqual([])
    toy.outlook = undefined
  })

  it('waits for another run of the same thing, and both are done', async () => {
    let goOn = () => {}
    const held = new Promise<void>((resolve) => {
      goOn = resolve
    })
    toy.whenPainted = (wall) => (toy.walls.get(wall) === 'red' ? held : Promise.resolve())
    const first = await ordered('north', 'red')
    await waitFor('the first to paint', async () => toy.walls.get('north') === 'red')
    const second = await ordered('north', 'blue')
    await waitFor('the second to wait', async () => (await run(second)).problem?.code === 'run.locked')
    goOn()
    await until(first, 'executed')
    await until(second, 'executed')
    expect(toy.walls.get('north')).toBe('blue')
  })

  it('is taken back only once another run of the same thing is over', async () => {
    const first = await ordered('north', 'red')
    await until(first, 'executed')
    const goOn = Promise.withResolvers<void>()
    toy.whenPainted = () => goOn.promise
    const second = await ordered('north', 'blue')
    await waitFor('the second to paint', async () => toy.walls.get('north') === 'blue')
    await broker.admin.must(rollBack(first))
    await waitFor('the way back to wait', async () => (await run(first)).problem?.code === 'run.locked')
    expect(toy.walls.get('north')).toBe('blue')
    goOn.resolve()
    await until(second, 'executed')
    await until(first, 'undone')
  })

  it('is cancelled while it tries, and what was done of it is taken back', async () => {
    toy.walls.set('north', 'white')
    toy.whenPainted = async () => {
      throw new BrokerError('target.unreachable', 'the painter is away')
    }
    const id = await ordered('north', 'red')
    await waitFor('the trouble', async () => (await run(id)).problem?.code === 'target.unreachable')
    expect((await broker.admin.post(`/api/runs/${id}/cancel`)).status).toBe(202)
    const over = await until(id, 'undone')
    expect(over).toMatchObject({ problem: { code: 'run.cancelled' }, cancelled: { by: { id: expect.any(String) } } })
    expect(toy.walls.get('north')).toBe('bare')
  })

  it('is taken back although it was only still to be read back when it was cancelled', async () => {
    toy.walls.set('north', 'white')
    toy.whenLooked = async () => {
      throw new BrokerError('target.unreachable', 'nobody can look')
    }
    const id = await ordered('north', 'red')
    await waitFor('the trouble', async () => (await run(id)).problem?.code === 'target.unreachable')
    expect(toy.walls.get('north')).toBe('red')
    await broker.database.query(
      `update due_work set run_at = now() + interval '1 hour', version = version + 1 where subject = $1`,
      [id],
    )
    toy.whenLooked = async () => {}
    expect((await broker.admin.post(`/api/runs/${id}/cancel`)).status).toBe(202)
    expect(await until(id, 'undone')).toMatchObject({ problem: { code: 'run.cancelled' } })
    expect(toy.walls.get('north')).toBe('white')
  })

  it('is not done for an admin who is disabled, or no admin any more, before it began', async () => {
    for (const changes of [[{ state: 'disabled' }], [{ roles: ['member'] }], [{ state: 'disabled' }, { state: 'active' }]]) {
      const { id: userId } = await broker.admin.must(
        broker.admin.post('/api/users', { name: `eve ${JSON.stringify(changes)}`, roles: ['admin'] }),
      )
      const eve = broker.api((await ownToken(broker.database, userId, ['read', 'manage'])).token)
      const [held, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      toy.whenPlanned = () => {
        held.resolve()
        return goOn.promise
      }
      const body = { integrationId, action: 'paint-wall', input: { wall: 'north', colour: 'eve' }, reason: 'mine' }
      const { id } = await eve.must(eve.post('/api/runs', body))
      await held.promise
      for (const change of changes) await broker.admin.must(broker.admin.patch(`/api/users/${userId}`, change))
      toy.whenPlanned = async () => {}
      goOn.resolve()
      expect(await until(id, 'failed')).toMatchObject({ problem: { code: 'access.denied' } })
      expect(toy.walls.get('north')).toBeUndefined()
    }
  })

  it('is the same run for the same key, and refused with another input', async () => {
    const idempotencyKey = 'once'
    const first = await ordered('north', 'red', { idempotencyKey })
    expect(await ordered('north', 'red', { idempotencyKey })).toBe(first)
    expect((await order('north', 'blue', { idempotencyKey })).body).toMatchObject({ code: 'conflict', field: 'idempotencyKey' })
    await until(first, 'executed')
  })

  it('is refused with the field that is wrong', async () => {
    expect((await order('', 'red')).body).toMatchObject({ code: 'input.invalid', field: 'input.wall' })
    expect((await order('north', 'red', { action: 'burn-wall' })).body).toMatchObject({
      code: 'target.unsupported',
      fix: expect.stringContaining('paint-wall'),
    })
    expect((await order('north', 'red', { action: 'grant-access' })).body).toMatchObject({ code: 'target.unsupported' })
  })

  it('must be typed where it cannot be undone', async () => {
    const tear = (confirm?: string) =>
      broker.admin.post('/api/runs', { integrationId, action: 'tear-down', input: { wall: 'north' }, reason: 'old', confirm })
    expect((await tear()).body).toMatchObject({
      code: 'input.invalid',
      field: 'confirm',
      fix: expect.stringContaining('"north"'),
    })
    expect((await tear('south')).status).toBe(400)
    toy.walls.set('north', 'white')
    const { id } = (await tear('north')).body
    await until(id, 'executed')
    expect(toy.walls.has('north')).toBe(false)
    expect(await broker.admin.must(broker.admin.get(`/api/runs/${id}/rollback`))).toMatchObject({
      possible: false,
      because: expect.stringContaining('rubble'),
    })
    expect((await rollBack(id)).body).toMatchObject({ code: 'conflict' })
  })
})
