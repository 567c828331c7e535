import { expect } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import { within } from './database.ts'
import { type Boundary, pass } from './fault-proxy.ts'
import { type Received, type Receiver, startReceiver } from './receiver.ts'
import { rotationsOf } from './rotations.ts'
import { connectAnew, type Stage, setStage, untilIdle } from './stage.ts'

const PATH = 'kv/data/app/db'
const INPUT = { mount: 'kv', path: 'app/db', fields: { password: { by: 'recipe', length: 24 } } }

/** A daemon, its server, and a receiver who is asked whether what was rotated works. */
export interface RotationStage extends Stage<Daemon> {
  readonly receiver: Receiver
  readonly webhookId: string
}

export async function setRotationStage(): Promise<RotationStage> {
  const receiver = await startReceiver()
  const start = () => startDaemon({ env: { LATCHKEY_DEVELOPMENT: 'true' } }) // it may ask who listens on the loopback
  const stage = await setStage(start, { capabilities: ['discovery', 'grants', 'rotate-secrets'] })
  const { admin } = stage.home
  const hook = await admin.must(admin.post('/api/webhooks', { name: 'app', url: receiver.url, events: ['rotation.finished'] }))
  const close = async () => {
    await stage.close()
    await receiver.close()
  }
  return { ...stage, receiver, webhookId: hook.id, close }
}

/** A rotation that is not due yet, and what the secret held before. */
export interface DueSoon {
  readonly stage: RotationStage
  readonly id: string
  readonly former: { readonly metadata: { readonly version: number }; readonly data: Record<string, string> }
  /** its moment comes */
  bringUp(): Promise<unknown>
}

export async function dueSoon(stage: RotationStage): Promise<DueSoon> {
  const { receiver, home, database, world, vault, webhookId } = stage
  receiver.received.length = 0
  receiver.reply = 204
  await connectAnew(stage)
  const them = rotationsOf({ admin: home.admin, database }, { integrationId: world.integrationId, action: 'rotate-kv-secret' })
  const { id } = await them.make({ input: INPUT, test: { webhookId, withinSeconds: 60 } })
  const former = (await vault.api('GET', PATH)).body.data
  stage.proxy.begin()
  return { stage, id, former, bringUp: () => them.bringUp(id) }
}

export const questionsIn = ({ receiver }: RotationStage) => receiver.received.filter(({ body }) => body.type === 'rotation.test')

/** The time that its test had is over. */
export const testIsLate = ({ stage, id }: DueSoon) =>
  stage.database.query(`update rotation_turns set tested_since = tested_since - interval '1 hour' where rotation_id = $1`, [id])

/** The daemon dies and comes back. */
export async function reborn({ stage }: DueSoon): Promise<void> {
  await stage.home.kill()
  const since = new Date()
  await stage.home.start()
  await untilIdle(stage, since)
}

/** The daemon dies while it stands before a statement that writes to a table; nothing of its transaction is kept. */
export async function diesBefore(due: DueSoon, [table, statement]: readonly [string, string], arm: Arm): Promise<void> {
  const { home, database } = due.stage
  await within(database.url, async (client) => {
    const lock = async () => {
      await client.query('begin')
      await client.query(`lock table ${table} in share mode`) // it can be read
    }
    await arm(due, lock)
    await waitFor(`the daemon to stand before ${statement}`, async () => {
      const [waiting] = await database.query(
        `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query ilike $1`,
        [`%${statement}%`],
      )
      return waiting !== undefined
    })
    await home.kill()
    await client.query('rollback')
  })
  await home.start()
}

/** Brings the rotation up, and has a table locked at the right moment. */
export type Arm = (due: DueSoon, lock: () => Promise<void>) => Promise<unknown>

export const ARMS = {
  due: async (due, lock) => {
    await lock()
    await due.bringUp()
  },
  looked: (due, lock) => locksAt(due, { name: `GET ${PATH}`, nth: 1 }, lock, due.bringUp),
  written: (due, lock) => locksAt(due, { name: `POST ${PATH}`, nth: 1 }, lock, due.bringUp),
  asked: async (due, lock) => {
    const asked = Promise.withResolvers<void>()
    due.stage.receiver.reply = (response) => {
      due.stage.receiver.reply = 204
      lock()
        .then(() => response.writeHead(204).end())
        .then(() => asked.resolve(), asked.reject)
    }
    await due.bringUp()
    await asked.promise
  },
  late: async (due, lock) => {
    due.stage.receiver.reply = 500
    await due.bringUp()
    await waitFor('the receiver to be asked', async () => questionsIn(due.stage).length > 0)
    await lock()
    await testIsLate(due)
  },
  'put back': async (due, lock) => {
    due.stage.receiver.reply = 500
    await due.bringUp()
    await waitFor('the receiver to be asked', async () => questionsIn(due.stage).length > 0)
    await locksAt(due, { name: `POST ${PATH}`, nth: 2 }, lock, () => testIsLate(due))
  },
} satisfies Record<string, Arm>

async function locksAt(
  { stage }: DueSoon,
  call: Boundary,
  lock: () => Promise<void>,
  begin: () => Promise<unknown>,
): Promise<void> {
  const struck = stage.proxy.strike(call, async (underWay) => {
    await lock()
    await pass(underWay)
  })
  await begin()
  await struck
}

/** Made once, and what is told of it is what is there. */
export async function expectOneTurn(due: DueSoon, state: 'finished' | 'undone'): Promise<void> {
  const { stage, id, former } = due
  const { admin } = stage.home
  const { last } = await waitFor(`the rotation to be ${state}`, async () => {
    const now = await admin.must(admin.get(`/api/rotations/${id}`))
    if (now.last?.settledAt && now.last.state !== state) throw new Error(JSON.stringify(now.last))
    return now.last?.state === state && now
  })
  const { items } = await admin.must(admin.get(`/api/rotations/${id}/turns`))
  expect(items, 'one turn').toHaveLength(1)
  const runs = await stage.database.query(`select id from action_runs where started_by ->> 'id' = $1`, [id])
  expect(runs, 'one run').toEqual([{ id: last.runId }])
  expect(last).toMatchObject({ missed: 0, runState: state === 'finished' ? 'executed' : 'undone' })
  const events = await stage.database.query<{ kind: string }>('select kind from audit_events where subject = $1 order by id', [
    id,
  ])
  const ending = state === 'finished' ? 'rotation.finished' : 'rotation.failed'
  expect(events.map(({ kind }) => kind)).toEqual(['rotation.created', 'rotation.made', ending])
  const asked: readonly Received[] = questionsIn(stage)
  expect(new Set(asked.map(({ headers }) => headers['webhook-id'])).size, 'one question, however often it was asked').toBe(1)
  const now = (await stage.vault.api('GET', PATH)).body.data
  if (state === 'finished') {
    expect(now.metadata.version, 'one new version').toBe(former.metadata.version + 1)
    expect(now.data['password']).toMatch(/^[A-Za-z0-9]{24}$/)
  } else {
    expect(now.metadata.version, 'one version there and one back').toBe(former.metadata.version + 2)
    expect(now.data).toEqual(former.data)
  }
  const [next] = await stage.database.query<{ ahead: number }>(
    'select extract(epoch from next_at - clock_timestamp())::float as ahead from rotations where id = $1',
    [id],
  )
  expect(next?.ahead, 'due next in a day').toBeGreaterThan(80_000)
}
