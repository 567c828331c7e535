import { expect } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Daemon } from './daemon.ts'
import type { Stage } from './stage.ts'

/** What a secret held before it was rotated, and the run that did it. */
interface Rotated {
  readonly former: Record<string, unknown>
  readonly runId: string
}

/** A way that the run of an action goes, in three parts: what must stand before, what is struck, and what must be true afterwards. */
export interface RunFlow {
  /** every call it makes of the server, in the order in which they come when nothing is in their way */
  readonly calls: readonly string[]
  prepare(stage: Stage<Daemon>): Promise<Rotated>
  /** may fail: the daemon may die under it */
  begin(stage: Stage<Daemon>, before: Rotated): Promise<unknown>
  settle(stage: Stage<Daemon>, before: Rotated): Promise<unknown>
}

const PATH = 'kv/data/app/db'
const READ = `GET ${PATH}`
const WRITE = `POST ${PATH}`
const ROTATION = { mount: 'kv', path: 'app/db', fields: { password: { by: 'recipe', length: 24 } } }

const current = async ({ vault }: Stage<Daemon>) => (await vault.api('GET', PATH)).body.data
const stateOf = async ({ home }: Stage<Daemon>, id: string) => (await home.admin.get(`/api/runs/${id}`)).body

async function until(stage: Stage<Daemon>, id: string, state: string) {
  return waitFor(`${id} to be ${state}`, async () => {
    const now = await stateOf(stage, id)
    if (now.state === 'failed') throw new Error(JSON.stringify(now))
    return now.state === state && now
  })
}

async function order({ home, world }: Stage<Daemon>, key?: string): Promise<string> {
  const body = { integrationId: world.integrationId, action: 'rotate-kv-secret', input: ROTATION, reason: 'a case' }
  return (await home.admin.must(home.admin.post('/api/runs', { ...body, ...(key && { idempotencyKey: key }) }))).id
}

export const RUN_FLOWS: Readonly<Record<string, RunFlow>> = {
  rotate: {
    // Read for the plan, again right before it is written, and once more to prove it.
    calls: ['GET sys/internal/ui/mounts', READ, READ, WRITE, READ],
    prepare: async (stage) => ({ former: await current(stage), runId: '' }),
    begin: async (stage) => until(stage, await order(stage), 'executed'),
    async settle(stage, { former }) {
      const [ordered] = await stage.database.query<{ id: string }>('select id from ordered_runs order by id desc limit 1')
      if (!ordered || (await stateOf(stage, ordered.id)).state === 'undone') return // struck before it was taken down
      await until(stage, ordered.id, 'executed')
      const now = await current(stage)
      const was = former as { metadata: { version: number }; data: Record<string, string> }
      expect(now.metadata.version, 'one new version, however often it was tried').toBe(was.metadata.version + 1)
      expect(now.data['password']).toMatch(/^[A-Za-z0-9]{24}$/)
      expect(now.data['username']).toBe(was.data['username'])
      await stage.home.admin.must(stage.home.admin.post(`/api/runs/${ordered.id}/rollback`, { reason: 'the case is over' }))
      await until(stage, ordered.id, 'undone')
    },
  },
  'roll back': {
    // Whether it is possible: what is there, and what was. The same again when it is done, and once more both to prove it.
    calls: [READ, READ, READ, READ, WRITE, READ, READ],
    async prepare(stage) {
      const former = await current(stage)
      const runId = await order(stage)
      await until(stage, runId, 'executed')
      return { former, runId }
    },
    async begin(stage, { runId }) {
      await stage.home.admin.post(`/api/runs/${runId}/rollback`, { reason: 'a case' })
      await until(stage, runId, 'undone')
    },
    async settle(stage, { former, runId }) {
      if ((await stateOf(stage, runId)).state === 'executed') {
        // The order was lost with the daemon, and whoever gave it gives it again.
        await stage.home.admin.must(stage.home.admin.post(`/api/runs/${runId}/rollback`, { reason: 'again' }))
      }
      await until(stage, runId, 'undone')
      const was = former as { metadata: { version: number }; data: Record<string, string> }
      const now = await current(stage)
      expect(now.data).toEqual(was.data)
      expect(now.metadata.version, 'one version there and one back').toBe(was.metadata.version + 2)
    },
  },
}
