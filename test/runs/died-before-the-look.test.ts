import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { DEATHS, dieAt } from '../support/deaths.ts'
import { pass } from '../support/fault-proxy.ts'
import { connectAnew, type Stage, setStage } from '../support/stage.ts'

const PATH = 'kv/data/app/db'
const theirs = (version: number) => ({ username: 'the new owner', password: `version ${version}` })

describe('A daemon that dies right after a write over what somebody made again', { timeout: 120_000 }, () => {
  let stage: Stage<Daemon>
  beforeAll(async () => {
    stage = await setStage(startDaemon, { capabilities: ['discovery', 'grants', 'rotate-secrets'] })
  }, 120_000)
  afterAll(() => stage?.close())

  it('gives it back when it is there again', async () => {
    const { vault, proxy, world, home } = stage
    await connectAnew(stage)
    await vault.api('DELETE', 'kv/metadata/app/db')
    for (const version of [1, 2, 3]) await vault.api('POST', PATH, { data: { username: 'app', password: `version ${version}` } })
    let isMadeAgain = false
    proxy.always(async (call) => {
      if (call.method === 'POST' && call.path === PATH && !isMadeAgain) {
        isMadeAgain = true
        await vault.api('DELETE', 'kv/metadata/app/db')
        for (const version of [1, 2, 3]) await vault.api('POST', PATH, { data: theirs(version) })
      }
      await pass(call)
    })
    proxy.begin()
    const input = { mount: 'kv', path: 'app/db', fields: { password: { by: 'recipe', length: 24 } } }
    const body = { integrationId: world.integrationId, action: 'rotate-kv-secret', input, reason: 'a case' }
    // Read for the plan, and right before it is written; this is the look afterwards.
    await dieAt(stage, { name: `GET ${PATH}`, nth: 3 }, DEATHS['before']!, () => home.admin.post('/api/runs', body))
    const run = await waitFor('the run to be over', async () => {
      const { items } = await home.admin.must(home.admin.get('/api/runs'))
      return /^(executed|undone|failed|stuck)$/.test(items[0].state) && items[0]
    })
    expect(run).toMatchObject({ state: 'undone', problem: { code: 'target.conflict' } })
    expect((await vault.api('GET', PATH)).body.data).toMatchObject({ data: theirs(3), metadata: { version: 5 } })
  })
})
