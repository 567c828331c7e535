import { afterAll, describe, expect, it } from 'vitest'
import type { VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { startBroker } from '../support/broker.ts'
import type { CallUnderWay, Fault } from '../support/fault-proxy.ts'
import { boundaries } from '../support/grant-flows.ts'
import { RUN_FLOWS } from '../support/run-flows.ts'
import { connectAnew, type Stage, setStage } from '../support/stage.ts'
import { Turns } from '../support/turns.ts'

const AT = 'app/db'
const FORMER = { username: 'app', password: 'of the first owner' }
/** What the new owner writes: each version is another. */
const theirs = (version: number) => ({ username: 'of a new owner', password: `theirs, version ${version}` })
const WHY = /somebody|removed and made again|not the version that was there/
/** When it has come to rest, however it went. */
const AT_REST = /^(executed|undone|failed|stuck)$/

describe('A secret that is purged and made again up to the same version, in the instant before any call', () => {
  const stages = new Turns<Stage>(1, () => setStage(startBroker, { capabilities: ['discovery', 'grants', 'rotate-secrets'] }))
  afterAll(() => stages.closeAll())

  const fresh = async ({ vault, home: { admin }, world }: Stage) => {
    await vault.api('DELETE', `kv/metadata/${AT}`)
    for (let version = 0; version < 3; version += 1) await vault.api('POST', `kv/data/${AT}`, { data: FORMER })
    const input = { mount: 'kv', path: AT, fields: { password: { by: 'recipe', length: 24 } } }
    const body = { integrationId: world.integrationId, action: 'rotate-kv-secret', input, reason: 'a case' }
    return async () => (await admin.must(admin.post('/api/runs', body))).id as string
  }
  const settled = (stage: Stage, id: string) =>
    waitFor('the run to be over', async () => {
      const { body: run } = await stage.home.admin.get(`/api/runs/${id}`)
      return AT_REST.test(run.state) && run
    })
  const now = async ({ vault }: Stage) => (await vault.api('GET', `kv/data/${AT}`)).body.data

  for (const boundary of boundaries(RUN_FLOWS['rotate']!).slice(1)) {
    it(`holds what its new owner wrote: rotate/${boundary.label}`, () =>
      stages.take(async (stage) => {
        await connectAnew(stage)
        const order = await fresh(stage)
        stage.proxy.begin()
        const made = { versions: 0 }
        const struck = stage.proxy.strike(boundary, madeAgain(stage.vault, made))
        const run = await settled(stage, await order())
        await struck
        const { data, metadata } = await now(stage)
        expect(data, 'nobody’s field is lost').toMatchObject({ username: theirs(3).username })
        if (run.state === 'executed') return expect(metadata.version, 'it was planned on theirs').toBe(4)
        expect(data, 'their last version').toEqual(theirs(made.versions))
        expect(run.problem, run.state).toMatchObject({ message: expect.stringMatching(WHY), fix: expect.any(String) })
      }))
  }

  for (const boundary of boundaries(RUN_FLOWS['roll back rotate']!)) {
    it(`holds what its new owner wrote: roll back rotate/${boundary.label}`, () =>
      stages.take(async (stage) => {
        await connectAnew(stage)
        const id = await (await fresh(stage))()
        expect((await settled(stage, id)).state).toBe('executed')
        stage.proxy.begin()
        const made = { versions: 0 }
        const struck = stage.proxy.strike(boundary, madeAgain(stage.vault, made))
        const answer = await stage.home.admin.post(`/api/runs/${id}/rollback`, { reason: 'a case' })
        await struck
        const run = await settled(stage, id)
        expect((await now(stage)).data, 'their last version').toEqual(theirs(made.versions))
        expect(run.state, 'a way back that the target refuses leaves it done').toBe('executed')
        const problem = answer.status === 409 ? answer.body : run.problem
        expect(problem, answer.text).toMatchObject({ message: expect.stringMatching(WHY), fix: expect.any(String) })
      }))
  }
})

/** The same number of versions, and another secret. */
function madeAgain({ api }: VaultServer, made: { versions: number }): Fault {
  return async (call: CallUnderWay) => {
    const { current_version: versions } = (await api('GET', `kv/metadata/${AT}`)).body.data
    made.versions = versions
    await api('DELETE', `kv/metadata/${AT}`)
    for (let version = 0; version < versions; version += 1) await api('POST', `kv/data/${AT}`, { data: theirs(version + 1) })
    await call.reply(await call.forward())
  }
}
