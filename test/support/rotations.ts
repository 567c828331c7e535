import { randomBytes } from 'node:crypto'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Api } from './api.ts'
import type { FreshDatabase } from './database.ts'

export type Rotations = ReturnType<typeof rotationsOf>

interface Wanted {
  readonly name?: string
  readonly action?: string
  readonly input: object
  readonly schedule?: object
  readonly [more: string]: unknown
}

interface World {
  readonly admin: Api
  readonly database: Pick<FreshDatabase, 'query'>
}

/** Rotations of one integration, whose time a test may move in the database. */
export function rotationsOf({ admin, database }: World, usual: { readonly integrationId: string; readonly action: string }) {
  const unique = () => `rotation ${randomBytes(4).toString('hex')}`
  const body = ({
    name = unique(),
    schedule = { kind: 'every', seconds: 86_400 },
    windows,
    jitterSeconds,
    active,
    ...does
  }: Wanted) => ({
    name,
    schedule,
    windows,
    jitterSeconds,
    active,
    does: { kind: 'run', ...usual, ...does },
  })
  const post = (wanted: Wanted, as = admin) => as.post('/api/rotations', body(wanted))
  const get = (id: string) => admin.must(admin.get(`/api/rotations/${id}`))
  return {
    post,
    get,
    make: (wanted: Wanted) => admin.must(post(wanted)),
    remind: (what: string) =>
      admin.must(
        admin.post('/api/rotations', {
          name: unique(),
          does: { kind: 'remind', what },
          schedule: { kind: 'every', seconds: 86_400 },
        }),
      ),
    /** Its moment comes, or came so many seconds ago. */
    bringUp: async (id: string, secondsAgo = 0, how: 'with work' | 'without work' = 'with work') => {
      const at = 'clock_timestamp() - make_interval(secs => $2)'
      await database.query(`update rotations set next_at = ${at}, starts_at = ${at} where id = $1`, [id, secondsAgo])
      if (how === 'without work') return database.query('delete from due_work where subject = $1', [id])
      return database.query(
        'update due_work set run_at = clock_timestamp(), version = version + 1, attempts = 0, due_since = null where subject = $1',
        [id],
      )
    },
    /** What it is once its last turn, another one than `before`, is over in this way. */
    settled: (id: string, state: string, before?: string) =>
      waitFor(`the rotation to be ${state}`, async () => {
        const now = await get(id)
        return now.last?.state === state && now.last.id !== before && now
      }),
    told: async (id: string) => {
      const events = await database.query<{ kind: string }>(
        `select kind from audit_events where subject = $1 and kind like 'rotation.%' order by id`,
        [id],
      )
      return events.map(({ kind }) => kind)
    },
  }
}
