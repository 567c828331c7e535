import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { type CallUnderWay, pass } from '../support/fault-proxy.ts'
import { FAULTS } from '../support/faults.ts'
import { connectAnew, type Stage, setStage } from '../support/stage.ts'

const AT_REST = /^(executed|undone|failed|stuck)$/
const HISTORY = 'kv/metadata/app/db'
const DELETE = 'kv/delete/app/db'

describe('Versions of a secret that a run is to delete', { timeout: 60_000 }, () => {
  let stage: Stage<Broker>
  beforeAll(async () => {
    stage = await setStage(startBroker, { capabilities: ['discovery', 'grants', 'delete-versions'] })
  })
  afterAll(() => stage?.close())
  beforeEach(async () => {
    stage.proxy.always()
    await connectAnew(stage)
    await stage.vault.api('DELETE', HISTORY)
    for (const password of ['one', 'two', 'three']) await stage.vault.api('POST', 'kv/data/app/db', { data: { password } })
  })

  const versions = async () => {
    const listed: Record<string, { deletion_time: string }> = (await stage.vault.api('GET', HISTORY)).body.data.versions
    return Object.fromEntries(Object.entries(listed).map(([number, one]) => [number, one.deletion_time ? 'deleted' : 'live']))
  }
  const ordered = async (which = [3, 1]) => {
    const { admin } = stage.home
    const input = { mount: 'kv', path: 'app/db', versions: which }
    const body = { integrationId: stage.world.integrationId, action: 'delete-kv-version', input, reason: 'a case' }
    const { id } = await admin.must(admin.post('/api/runs', body))
    return waitFor('the run to be over', async () => {
      const run = await admin.must(admin.get(`/api/runs/${id}`))
      return AT_REST.test(run.state) && run
    })
  }

  it('stay deleted where somebody else deleted them first, and the run takes back what it deleted itself', async () => {
    let deletions = 0
    stage.proxy.always(async (call) => {
      if (call.path === DELETE) deletions += 1
      // Its first deletion is done, and before the next look somebody else deletes what comes next.
      else if (deletions === 1 && call.path === HISTORY) {
        deletions += 1
        await stage.vault.api('POST', DELETE, { versions: [1] })
      }
      await pass(call)
    })
    const run = await ordered()
    expect(run).toMatchObject({
      state: 'undone',
      problem: {
        code: 'target.conflict',
        message: 'version 1 of kv/app/db was deleted after this was planned, and not by this run',
      },
    })
    expect(await versions()).toEqual({ 1: 'deleted', 2: 'live', 3: 'live' })
  })

  it('are deleted once although the answer to that is lost', async () => {
    let deletions = 0
    stage.proxy.always((call) => {
      if (call.path === DELETE) deletions += 1
      return call.path === DELETE && deletions <= 4 ? FAULTS['dropped after it was applied']!(call) : pass(call)
    })
    expect((await ordered()).state).toBe('executed')
    expect(await versions()).toEqual({ 1: 'deleted', 2: 'live', 3: 'deleted' })
  })

  /** Once nobody has answered for a minute: the server said the time of its first look a minute ago. */
  const late = (then: (call: CallUnderWay) => Promise<void>) => {
    let isLate = false
    stage.proxy.always(async (call) => {
      if (call.path === DELETE) {
        isLate = true
        return then(call)
      }
      if (call.path !== 'sys/health' || isLate) return pass(call)
      const { headers: _, ...reply } = await call.forward()
      const { server_time_utc: now, ...health } = JSON.parse(reply.body)
      await call.reply({ ...reply, body: JSON.stringify({ ...health, server_time_utc: now - 60 }) })
    })
  }

  it('stay deleted where somebody else may have deleted them before the call arrived', async () => {
    late(async (call) => {
      await stage.vault.api('POST', DELETE, JSON.parse(call.body))
      await pass(call)
    })
    const { id, state } = await ordered([3])
    expect(state).toBe('executed')
    const { admin } = stage.home
    const because = expect.stringContaining('somebody else may have deleted version 3 of kv/app/db')
    const fix = expect.stringMatching(/kv undelete .*-versions=3 app\/db$/)
    expect(await admin.must(admin.get(`/api/runs/${id}/rollback`))).toMatchObject({ possible: false, because })
    const refused = await admin.post(`/api/runs/${id}/rollback`, { reason: 'a case' })
    expect(refused).toMatchObject({ status: 409, body: { message: because, fix } })
    expect(await versions()).toEqual({ 1: 'live', 2: 'live', 3: 'deleted' })
  })

  it('stay deleted where nobody knows whether the call arrived, and they were deleted long after', async () => {
    late(async (call) => {
      call.drop()
      await stage.vault.api('POST', DELETE, JSON.parse(call.body))
    })
    const run = await ordered([3])
    const { admin } = stage.home
    expect(run.state).toBe('executed')
    expect(await admin.must(admin.get(`/api/runs/${run.id}/rollback`))).toMatchObject({ possible: false })
  })
})
