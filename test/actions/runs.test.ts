import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { HeldRun } from '../../src/actions/action-run.ts'
import { Journal, type RunOrder } from '../../src/actions/journal.ts'
import { lockResources } from '../../src/actions/locks.ts'
import { ActionRunner } from '../../src/actions/runner.ts'
import { transition } from '../../src/actions/transition.ts'
import { newId } from '../../src/platform/ids.ts'
import { Database } from '../../src/platform/postgres/database.ts'
import { LostRuns } from '../../src/runs/lost-runs.ts'
import { Secret } from '../../src/sdk/index.ts'
import type { Broker } from '../support/broker.ts'
import { type PaintingToy, startPainting } from '../support/painting-toy.ts'

const MINE = { isOurs: () => true }

describe('a run of an action', () => {
  let toy: PaintingToy
  let broker: Broker
  let integrationId: string
  let journal: Journal
  let runner: ActionRunner
  let database: Database

  beforeAll(async () => {
    ;({ toy, broker, integrationId } = await startPainting())
    journal = broker.app.get(Journal)
    runner = broker.app.get(ActionRunner)
    database = broker.app.get(Database)
  }, 120_000)
  beforeEach(() => {
    toy.walls.clear()
    toy.calls.length = 0
    toy.whenPainted = async () => {}
  })
  afterAll(() => broker?.close())

  const open = (wall: string, colour: string, more: Partial<RunOrder> = {}) =>
    database.transaction((tx) =>
      journal.open(tx, {
        id: newId('run'),
        integrationId,
        action: 'paint-wall',
        input: { wall },
        secretInput: new Secret(JSON.stringify({ wall, colour })),
        startedBy: { kind: 'person', id: 'usr_painter' },
        ...more,
      }),
    )
  const claim = async (id: string): Promise<HeldRun> =>
    (await database.transaction((tx) => journal.claim(tx, [id], ['pending', 'executing']))).get(id)!
  const execute = async (id: string) => runner.execute(await claim(id), MINE)
  const rowOf = async (id: string) => (await broker.database.query('select * from action_runs where id = $1', [id]))[0]!
  const locks = () => broker.database.query('select resource, run_id from action_locks order by resource')

  it('keeps the secret of its input sealed until it is planned, and shows none of it', async () => {
    const { id } = await open('north', 'canary-red')
    const before = await rowOf(id)
    expect(before['sealed_input']).toMatch(/^lk1\./)
    expect(JSON.stringify(before)).not.toContain('canary-red')
    await execute(id)
    expect(toy.walls.get('north')).toBe('canary-red')
    expect(await rowOf(id)).toMatchObject({ state: 'executed', sealed_input: null, input: { wall: 'north' } })
  })

  it('says who or what started it, and of which run it is a part', async () => {
    const parent = await open('north', 'red')
    const child = await open('south', 'red', { startedBy: { kind: 'run', id: parent.id } })
    expect(await rowOf(parent.id)).toMatchObject({ started_by: { kind: 'person', id: 'usr_painter' }, parent_run: null })
    expect(await rowOf(child.id)).toMatchObject({ started_by: { kind: 'run', id: parent.id }, parent_run: parent.id })
  })

  it('is the same run for the same key and input, also once its secret is erased, and refuses the key with another input', async () => {
    const idempotencyKey = 'paint it once'
    const first = await open('north', 'red', { idempotencyKey })
    await execute(first.id)
    const turned = new Secret('{"colour":"red","wall":"north"}')
    expect(await open('north', 'red', { idempotencyKey, secretInput: turned })).toEqual({ id: first.id, isNew: false })
    await expect(open('north', 'blue', { idempotencyKey })).rejects.toMatchObject({ code: 'conflict', field: 'idempotencyKey' })
    expect(await open('north', 'blue', { idempotencyKey: 'another' })).toMatchObject({ isNew: true })
  })

  it('is one of two that were ordered with one key at one moment', async () => {
    const both = await Promise.all([1, 2].map(() => open('north', 'red', { idempotencyKey: 'at one moment' })))
    expect(new Set(both.map(({ id }) => id)).size).toBe(1)
    expect(both.filter(({ isNew }) => isNew)).toHaveLength(1)
  })

  it('has the resource that it changes to itself, until it rests', async () => {
    const [one, other, elsewhere] = [await open('north', 'red'), await open('north', 'blue'), await open('south', 'green')]
    toy.whenPainted = async (wall) => {
      if (wall !== 'north' || toy.walls.get('north') !== 'red') return
      toy.calls.length = 0
      await expect(execute(other.id)).rejects.toMatchObject({ code: 'run.locked', message: expect.stringContaining(one.id) })
      expect(toy.calls).toEqual([]) // it was told before it planned on what is about to change
      await execute(elsewhere.id)
      expect(await locks()).toEqual([{ resource: 'north', run_id: one.id }])
    }
    await execute(one.id)
    expect(await locks()).toEqual([])
    await execute(other.id)
    expect(toy.walls).toEqual(
      new Map([
        ['north', 'blue'],
        ['south', 'green'],
      ]),
    )
  })

  it('lets its resources go also when it is given up at the very moment at which it takes them', async () => {
    const { id } = await open('north', 'red')
    const held = await claim(id)
    const [taken, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const taking = database.transaction(async (tx) => {
      await lockResources(tx, held, ['north'])
      taken.resolve()
      await goOn.promise
    })
    await taken.promise
    const givingUp = database.transaction((tx) => journal.giveUp(tx, [id]))
    await waitFor('the one to wait for the other', async () => {
      const waiting = await broker.database.query(
        `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return waiting.length > 0
    })
    goOn.resolve()
    await Promise.all([taking, givingUp])
    expect([(await rowOf(id))['state'], await locks()]).toEqual(['failed', []])
  })

  it('holds nothing once it is over, even where an older release left it something', async () => {
    const over = await open('north', 'red')
    await database.transaction((tx) => journal.giveUp(tx, [over.id]))
    const waits = await open('south', 'red')
    await database.transaction(async (tx) => lockResources(tx, await claim(waits.id), ['south']))
    await broker.database.query('insert into action_locks (integration_id, resource, run_id) values ($1, $2, $3)', [
      integrationId,
      'north',
      over.id,
    ])
    await broker.app.get(LostRuns).tick()
    expect(await locks()).toEqual([{ resource: 'south', run_id: waits.id }])
    await database.transaction((tx) => journal.giveUp(tx, [waits.id]))
  })

  it('tells of the first and of the last of its calls, when there are more than it keeps', async () => {
    const { id } = await open('north', 'red')
    const asked = Array.from({ length: 40 }, (_, at) => `brush stroke ${at + 1}`)
    toy.whenPainted = async (_, { noted }) => {
      for (const each of asked) noted?.({ asked: each, observed: 'painted', at: new Date().toISOString() })
    }
    await execute(id)
    const [step] = await journal.steps(database.pool, id)
    expect(step!.calls.map((call) => call.asked)).toEqual([...asked.slice(0, 31), 'brush stroke 40'])
  })

  it('is not executed when what is read back differs from what was written, and keeps its resource until it is undone', async () => {
    const { id } = await open('north', 'red')
    toy.walls.set('north', 'white')
    toy.whenPainted = async () => toy.walls.set('north', 'somebody else’s grey')
    await expect(execute(id)).rejects.toMatchObject({ code: 'target.unverified', message: expect.stringContaining('north') })
    expect(await rowOf(id)).toMatchObject({ state: 'executing' })
    expect(await journal.steps(database.pool, id)).toMatchObject([{ state: 'executed', record: { before: 'white' } }])
    expect(await locks()).toEqual([{ resource: 'north', run_id: id }])
    await database.transaction((tx) => transition(tx, [id], 'undo'))
    expect(await locks()).toHaveLength(1)
    await database.transaction((tx) => transition(tx, [id], 'settle'))
    expect(await locks()).toEqual([])
  })

  it('does not begin with an input that its action refuses', async () => {
    const { id } = await open('', 'red')
    await expect(execute(id)).rejects.toMatchObject({ code: 'input.invalid', field: 'input.wall' })
    expect(await rowOf(id)).toMatchObject({ state: 'pending' })
    expect(await locks()).toEqual([])
  })
})
