import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { BrokerError } from '../../src/sdk/index.ts'
import type { Broker } from '../support/broker.ts'
import { type PaintingToy, startPainting } from '../support/painting-toy.ts'
import { type Rotations, rotationsOf } from '../support/rotations.ts'

describe('a rotation', { timeout: 60_000 }, () => {
  let toy: PaintingToy
  let broker: Broker
  let them: Rotations
  let integrationId: string

  beforeAll(async () => {
    ;({ toy, broker, integrationId } = await startPainting())
    them = rotationsOf(broker, { integrationId, action: 'paint-wall' })
  }, 120_000)
  beforeEach(() => {
    toy.walls.clear()
    toy.whenPainted = async () => {}
    toy.wayBack = { isPossible: true, restores: [] }
  })
  afterAll(() => broker?.close())

  it('runs by its schedule, again and again, and its secrets are kept sealed', async () => {
    toy.walls.set('north', 'white')
    const { id } = await them.make({ input: { wall: 'north', colour: 'canary-red' } })
    const made = await them.get(id)
    expect(made).toMatchObject({ does: { input: { wall: 'north', colour: { set: true } } }, last: null, overdueSeconds: null })
    await them.bringUp(id)
    const { last } = await them.settled(id, 'finished')
    expect(toy.walls.get('north')).toBe('canary-red')
    expect(last).toMatchObject({ runState: 'executed', missed: 0, askedBy: null, problem: null })
    const run = await broker.admin.must(broker.admin.get(`/api/runs/${last.runId}`))
    expect(run).toMatchObject({ orderedBy: null, startedBy: { kind: 'schedule', id } })
    toy.walls.set('north', 'grey')
    await them.bringUp(id)
    await them.settled(id, 'finished', last.id)
    expect(toy.walls.get('north')).toBe('canary-red')
    const turns = await broker.admin.must(broker.admin.get(`/api/rotations/${id}/turns`))
    expect(turns.items.map(({ state }: { state: string }) => state)).toEqual(['finished', 'finished'])
    expect(await them.told(id)).toEqual([
      'rotation.created',
      'rotation.made',
      'rotation.finished',
      'rotation.made',
      'rotation.finished',
    ])
    const kept = await broker.database.query('select to_jsonb(r) from rotations r where id = $1', [id])
    expect(JSON.stringify([kept, made, turns])).not.toContain('canary-red')
  })

  it('is made up for once when many moments passed while nothing was there', async () => {
    const { id } = await them.make({ input: { wall: 'east', colour: 'red' }, schedule: { kind: 'every', seconds: 3600 } })
    await them.bringUp(id, 5 * 3600 + 60)
    const { last, nextAt } = await them.settled(id, 'finished')
    expect(last).toMatchObject({ missed: 5 })
    expect(Date.parse(nextAt)).toBeGreaterThan(Date.parse(last.createdAt) + 3500 * 1000)
    expect(await them.told(id)).toContain('rotation.missed')
    const turns = await broker.admin.must(broker.admin.get(`/api/rotations/${id}/turns`))
    expect(turns.items).toHaveLength(1)
  })

  it('is made once after an outage of a year', async () => {
    const schedule = { kind: 'cron', line: '0 * * * *', timeZone: 'Europe/Berlin' }
    const { id } = await them.make({ input: { wall: 'cellar', colour: 'red' }, schedule })
    await them.bringUp(id, 365 * 86_400)
    const { last, nextAt } = await them.settled(id, 'finished')
    expect(last).toMatchObject({ missed: 100 })
    expect(Date.parse(nextAt)).toBeGreaterThan(Date.parse(last.createdAt))
    const turns = await broker.admin.must(broker.admin.get(`/api/rotations/${id}/turns`))
    expect(turns.items).toHaveLength(1)
  })

  it('is not made when there would be no way back, and people are told why', async () => {
    const { id } = await them.make({ input: { wall: 'south', colour: 'red' } })
    toy.wayBack = { isPossible: false, because: 'the painter keeps no photographs', restores: [] }
    await them.bringUp(id)
    const { last } = await them.settled(id, 'refused')
    expect(last).toMatchObject({ runId: null, problem: { code: 'conflict', message: expect.stringContaining('photographs') } })
    expect(toy.walls.has('south')).toBe(false)
    expect(await them.told(id)).toContain('rotation.refused')
    toy.wayBack = { isPossible: true, until: new Date(Date.now() + 3600_000).toISOString(), restores: [] }
    await them.bringUp(id)
    expect(await them.settled(id, 'refused', last.id)).toMatchObject({
      last: { problem: { message: expect.stringContaining('86400 s') } },
    })
  })

  it('is not set up where there is no way back already', async () => {
    toy.wayBack = { isPossible: false, because: 'the painter keeps no photographs', restores: [] }
    expect((await them.post({ input: { wall: 'south', colour: 'red' } })).body).toMatchObject({
      code: 'conflict',
      field: 'does.input',
    })
  })

  it('waits while its target is away, and is made when it is back', async () => {
    const { id } = await them.make({ input: { wall: 'west', colour: 'red' } })
    toy.whenPlanned = async () => {
      throw new BrokerError('target.unreachable', 'the painter is away')
    }
    await them.bringUp(id)
    await waitFor('it to be overdue', async () => (await them.get(id)).overdueSeconds !== null)
    toy.whenPlanned = async () => {}
    await them.bringUp(id)
    await them.settled(id, 'finished')
  })

  it('fails with its run, and says whether that was taken back', async () => {
    toy.walls.set('west', 'white')
    const { id } = await them.make({ input: { wall: 'west', colour: 'red' } })
    toy.whenPainted = async () => toy.walls.set('west', 'grey')
    await them.bringUp(id)
    const { last } = await them.settled(id, 'undone')
    expect(last).toMatchObject({ runState: 'undone', problem: { code: 'target.unverified' } })
    expect(toy.walls.get('west')).toBe('white')
    expect(await them.told(id)).toContain('rotation.failed')
  })

  it('says why its run failed, and not what stood in the way of the undo for a while', async () => {
    toy.walls.set('south', 'white')
    const { id } = await them.make({ input: { wall: 'south', colour: 'red' } })
    toy.whenPainted = async () => toy.walls.set('south', 'grey')
    toy.undoFails = new BrokerError('target.unreachable', 'the painter is away')
    await them.bringUp(id)
    const { last: now } = await waitFor('the undo to be tried in vain', async () => {
      const rotation = await them.get(id)
      if (rotation.last?.state !== 'undoing') return false
      const run = await broker.admin.must(broker.admin.get(`/api/runs/${rotation.last.runId}`))
      return run.problem?.code === 'target.unreachable' && rotation
    })
    expect(now.problem).toMatchObject({ code: 'target.unverified' })
    toy.undoFails = undefined
    const { last } = await them.settled(id, 'undone')
    expect(last).toMatchObject({ runState: 'undone', problem: { code: 'target.unverified' } })
  })

  it('says also that the undo was refused, where it was', async () => {
    toy.walls.set('east', 'white')
    const { id } = await them.make({ input: { wall: 'east', colour: 'red' } })
    toy.whenPainted = async () => toy.walls.set('east', 'grey')
    toy.refusesUndo = true
    await them.bringUp(id)
    const { last } = await them.settled(id, 'failed')
    toy.refusesUndo = false
    expect(last.problem.message).toMatch(
      /what was read back is not what was written: .*; undoing it was refused: somebody else painted/,
    )
  })

  it('runs now when an admin says so, paused or not, and its schedule goes on', async () => {
    const line = { kind: 'cron', line: '0 3 1 1 *', timeZone: 'Europe/Berlin' }
    const { id, nextAt } = await them.make({ input: { wall: 'north', colour: 'blue' }, schedule: line })
    await broker.admin.must(broker.admin.post(`/api/rotations/${id}/run`, { reason: 'it leaked' }))
    const now = await them.settled(id, 'finished')
    expect(now.last).toMatchObject({ askedBy: { id: expect.stringMatching(/^usr_/) } })
    expect(now.nextAt).toBe(nextAt)
    const run = await broker.admin.must(broker.admin.get(`/api/runs/${now.last.runId}`))
    expect(run).toMatchObject({ reason: expect.stringContaining('it leaked'), orderedBy: { id: now.last.askedBy.id } })
    await broker.admin.must(broker.admin.patch(`/api/rotations/${id}`, { active: false }))
    expect(await them.get(id)).toMatchObject({ active: false, nextAt: null })
    await broker.admin.must(broker.admin.post(`/api/rotations/${id}/run`, { reason: 'once more' }))
    expect(await them.settled(id, 'finished', now.last.id)).toMatchObject({ nextAt: null })
  })

  it('is next due an interval after it was run now, however often that was', async () => {
    const { id } = await them.make({ input: { wall: 'west', colour: 'red' } })
    const { schedule } = await them.get(id)
    for (const reason of ['it leaked', 'it leaked again']) {
      await broker.admin.must(broker.admin.post(`/api/rotations/${id}/run`, { reason }))
      await them.settled(id, 'finished')
      const [{ ahead }] = (await broker.database.query<{ ahead: number }>(
        'select extract(epoch from next_at - clock_timestamp())::float as ahead from rotations where id = $1',
        [id],
      )) as [{ ahead: number }]
      expect(ahead).toBeLessThanOrEqual(schedule.seconds)
      expect(ahead).toBeGreaterThan(schedule.seconds - 60)
    }
  })

  it('is due although its row of due work is lost', async () => {
    const { id } = await them.make({ input: { wall: 'north', colour: 'green' } })
    await them.bringUp(id, 1, 'without work')
    await them.settled(id, 'finished')
  })

  it('is changed with what it had kept, and not over a change that somebody else made', async () => {
    const { id } = await them.make({ input: { wall: 'north', colour: 'canary-violet' } })
    const { does, version } = await them.get(id)
    const changed = await broker.admin.must(
      broker.admin.patch(`/api/rotations/${id}`, { does: { ...does, input: { ...does.input, wall: 'south' } }, version }),
    )
    expect(changed).toMatchObject({ does: { input: { wall: 'south', colour: { set: true } } } })
    expect((await broker.admin.patch(`/api/rotations/${id}`, { name: 'other', version })).body).toMatchObject({
      code: 'conflict',
    })
    await them.bringUp(id)
    await them.settled(id, 'finished')
    expect(toy.walls.get('south')).toBe('canary-violet')
    await broker.admin.must(broker.admin.delete(`/api/rotations/${id}`))
    expect((await broker.admin.get(`/api/rotations/${id}`)).status).toBe(404)
    expect(await broker.database.query('select 1 from due_work where subject = $1', [id])).toEqual([])
  })

  it('reminds people of what no machine can do, until somebody did it', async () => {
    const { id } = await them.remind('call the bank for a new PIN')
    await them.bringUp(id)
    await waitFor('it to wait', async () => (await them.get(id)).last?.state === 'waiting')
    const due = await broker.admin.must(broker.admin.get('/api/rotations/due'))
    expect(due.items[0]).toMatchObject({ id, overdueSeconds: expect.any(Number) })
    await them.bringUp(id)
    await waitFor('to be told again', async () => (await them.told(id)).filter((kind) => kind === 'rotation.due').length === 2)
    const done = await broker.admin.must(broker.admin.post(`/api/rotations/${id}/done`, { note: 'they were kind' }))
    expect(done).toMatchObject({
      overdueSeconds: null,
      last: { state: 'done', note: 'they were kind', doneBy: { id: expect.any(String) } },
    })
    expect((await broker.admin.post(`/api/rotations/${id}/done`, {})).body).toMatchObject({ code: 'conflict' })
  })

  it('is refused with the field that is wrong', async () => {
    const input = { wall: 'north', colour: 'red' }
    const wrong = async (more: object) => (await them.post({ input, ...more })).body
    expect(await wrong({ input: { wall: '', colour: 'red' } })).toMatchObject({ code: 'input.invalid', field: 'does.input.wall' })
    expect(await wrong({ action: 'burn-wall' })).toMatchObject({ code: 'target.unsupported', field: 'does.action' })
    expect(await wrong({ action: 'tear-down', input: { wall: 'north' } })).toMatchObject({ field: 'does.confirm' })
    expect(await wrong({ action: 'tear-down', input: { wall: 'north' }, confirm: 'north' })).toMatchObject({
      field: 'does.evenIfIrreversible',
      message: expect.stringContaining('rubble'),
    })
    expect(await wrong({ schedule: { kind: 'every', seconds: 60 } })).toMatchObject({ field: 'schedule.seconds' })
    expect(await wrong({ schedule: { kind: 'cron', line: '0 0 30 2 *', timeZone: 'UTC' } })).toMatchObject({
      field: 'schedule.line',
      fix: expect.stringContaining('30 February'),
    })
    expect(await wrong({ schedule: { kind: 'cron', line: '0 0 * * *', timeZone: 'Mars/Olympus' } })).toMatchObject({
      field: 'schedule.timeZone',
    })
    expect(await wrong({ test: { webhookId: 'whk_00000000000000000000000000' } })).toMatchObject({ field: 'does.test.webhookId' })
    const { name } = await them.make({ input })
    expect(await wrong({ name })).toMatchObject({ code: 'name.taken', field: 'name' })
  })
})
