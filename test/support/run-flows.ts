import { expect } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Daemon } from './daemon.ts'
import type { Stage } from './stage.ts'

/** What stood there before an action, and the run that did it. */
export interface Before {
  readonly former: Record<string, unknown>
  readonly runId: string
}

/** A way that the run of an action goes, in three parts: what must stand before, what is struck, and what must be true afterwards. */
export interface RunFlow {
  /** every call it makes of the server, in the order in which they come when nothing is in their way */
  readonly calls: readonly string[]
  prepare(stage: Stage<Daemon>): Promise<Before>
  /** may fail: the daemon may die under it */
  begin(stage: Stage<Daemon>, before: Before): Promise<unknown>
  settle(stage: Stage<Daemon>, before: Before): Promise<unknown>
}

/** Something that an action does to a server, and how a test sees whether it is done or undone. */
export interface Deed {
  readonly action: string
  readonly input: object
  /** every call of the action, and of its way back */
  readonly calls: readonly string[]
  readonly callsBack: readonly string[]
  /** brings about what is there before */
  prepare?(stage: Stage<Daemon>): Promise<unknown>
  /** what is there now */
  look(stage: Stage<Daemon>): Promise<Record<string, unknown>>
  /** done once, however often it was tried */
  isDone(now: Record<string, unknown>, former: Record<string, unknown>): void
  /** undone once, and as it was before */
  isUndone(now: Record<string, unknown>, former: Record<string, unknown>): void
}

const stateOf = async ({ home }: Stage<Daemon>, id: string) => (await home.admin.get(`/api/runs/${id}`)).body

async function until(stage: Stage<Daemon>, id: string, state: string) {
  return waitFor(`${id} to be ${state}`, async () => {
    const now = await stateOf(stage, id)
    if (now.state === 'failed') throw new Error(JSON.stringify(now))
    return now.state === state && now
  })
}

async function order({ home, world }: Stage<Daemon>, { action, input }: Deed): Promise<string> {
  const body = { integrationId: world.integrationId, action, input, reason: 'a case' }
  return (await home.admin.must(home.admin.post('/api/runs', body))).id
}

/** The two ways a deed goes: there, and back again. */
export function flowsOf(name: string, deed: Deed): Record<string, RunFlow> {
  return {
    [name]: {
      calls: deed.calls,
      async prepare(stage) {
        await deed.prepare?.(stage)
        return { former: await deed.look(stage), runId: '' }
      },
      begin: async (stage) => until(stage, await order(stage, deed), 'executed'),
      async settle(stage, { former }) {
        const [ordered] = await stage.database.query<{ id: string }>('select id from ordered_runs order by id desc limit 1')
        if (!ordered || (await stateOf(stage, ordered.id)).state === 'undone') return // struck before it was taken down
        await until(stage, ordered.id, 'executed')
        deed.isDone(await deed.look(stage), former)
        await stage.home.admin.must(stage.home.admin.post(`/api/runs/${ordered.id}/rollback`, { reason: 'the case is over' }))
        await until(stage, ordered.id, 'undone')
        deed.isUndone(await deed.look(stage), former)
      },
    },
    [`roll back ${name}`]: {
      calls: deed.callsBack,
      async prepare(stage) {
        await deed.prepare?.(stage)
        const former = await deed.look(stage)
        const runId = await order(stage, deed)
        await until(stage, runId, 'executed')
        return { former, runId }
      },
      async begin(stage, { runId }) {
        await stage.home.admin.post(`/api/runs/${runId}/rollback`, { reason: 'a case' })
        await until(stage, runId, 'undone')
      },
      async settle(stage, { former, runId }) {
        if ((await stateOf(stage, runId)).state === 'executed') {
          // The order was lost with the daemon, and the person who gave it gives it again.
          await stage.home.admin.must(stage.home.admin.post(`/api/runs/${runId}/rollback`, { reason: 'again' }))
        }
        await until(stage, runId, 'undone')
        deed.isUndone(await deed.look(stage), former)
      },
    },
  }
}

const PATH = 'kv/data/app/db'
const READ = `GET ${PATH}`
const WRITE = `POST ${PATH}`
type Secret = { metadata: { version: number }; data: Record<string, string> }

const rotation: Deed = {
  action: 'rotate-kv-secret',
  input: { mount: 'kv', path: 'app/db', fields: { password: { by: 'recipe', length: 24 } } },
  // Read for the plan, again right before it is written; then what it was written over, and what is there, to prove it.
  calls: ['GET sys/internal/ui/mounts', READ, READ, WRITE, READ, READ],
  // Whether it is possible: what is there, and what was. The same again when it is done; what it was written over; once more both to prove it.
  callsBack: [READ, READ, READ, READ, WRITE, READ, READ, READ],
  look: async ({ vault }) => (await vault.api('GET', PATH)).body.data,
  isDone(now, former) {
    const [after, before] = [now as Secret, former as Secret]
    expect(after.metadata.version, 'one new version, however often it was tried').toBe(before.metadata.version + 1)
    expect(after.data['password']).toMatch(/^[A-Za-z0-9]{24}$/)
    expect(after.data['username']).toBe(before.data['username'])
  },
  isUndone(now, former) {
    const [after, before] = [now as Secret, former as Secret]
    expect(after.data).toEqual(before.data)
    expect(after.metadata.version, 'one version there and one back').toBe(before.metadata.version + 2)
  },
}

const DOCUMENT = 'path "kv/data/app/*" { capabilities = ["read", "update"] }'
/** Kept by OpenBao alone; Vault takes no notice of them. */
const BESIDE = { expiration: '2036-01-01T00:00:00Z', cas_required: true, allow_wildcards_in_identity_templates: true }

/** Of a policy that says something else before, or that is not there. */
function policy(name: string, old?: string): Deed {
  const path = `sys/policies/acl/${name}`
  const [read, write] = [`GET ${path}`, `POST ${path}`]
  const counted = (now: Record<string, unknown>, former: Record<string, unknown>, more: number) => {
    const { version: after, modified: _, ...kept } = now
    const { version: before, modified: __, ...keptBefore } = former
    // What the server does not count cannot be seen to be written twice.
    if (typeof before === 'number') expect(after, 'written once, however often it was tried').toBe(before + more)
    return { kept, keptBefore }
  }
  return {
    action: 'update-policy',
    input: { name, document: DOCUMENT },
    // Read for the plan, again right before it is written, and once more to prove it.
    calls: [read, read, write, read],
    // Whether it is possible, again when it is done, and once more to prove it.
    callsBack: [read, read, old === undefined ? `DELETE ${path}` : write, read],
    async prepare({ vault }) {
      await vault.api('DELETE', path)
      if (old !== undefined) expect((await vault.api('POST', path, { policy: old, cas: -1, ...BESIDE })).status).toBe(204)
    },
    look: async ({ vault }) => (await vault.api('GET', path)).body?.data ?? {},
    isDone(now, former) {
      const { kept, keptBefore } = counted(now, former, 1)
      expect(kept).toMatchObject({ ...keptBefore, policy: DOCUMENT })
    },
    isUndone(now, former) {
      const { kept, keptBefore } = counted(now, former, 2)
      expect(kept).toEqual(keptBefore)
    },
  }
}

export const RUN_FLOWS = flowsOf('rotate', rotation)
export const POLICY_FLOWS = {
  ...flowsOf('change a policy', policy('team-app', '# said by hand\npath "kv/data/app/*" { capabilities = ["read"] }')),
  ...flowsOf('make a policy', policy('team-new')),
}
