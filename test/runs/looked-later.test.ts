import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { awayAfterWrite } from '../support/faults.ts'
import { connectAnew, type Stage, setStage } from '../support/stage.ts'

const PATH = 'kv/data/app/db'
const theirs = (version: number) => ({ username: 'the new owner', password: `version ${version}` })

describe('A write whose look was never answered, until its undo was given up, too', { timeout: 60_000 }, () => {
  let stage: Stage<Broker>
  beforeAll(async () => {
    stage = await setStage(startBroker, { capabilities: ['discovery', 'grants', 'rotate-secrets'] })
  })
  afterAll(() => stage?.close())
  beforeEach(async () => {
    stage.proxy.always()
    await connectAnew(stage)
    await stage.vault.api('DELETE', 'kv/metadata/app/db')
    for (const version of [1, 2, 3]) await stage.vault.api('POST', PATH, { data: { username: 'app', password: `${version}` } })
  })

  const run = (id: string) => stage.home.admin.must(stage.home.admin.get(`/api/runs/${id}`))
  const until = (id: string, state: string) =>
    waitFor(`${id} to be ${state}`, async () => {
      const now = await run(id)
      return now.state === state && now
    })
  const order = async (): Promise<string> => {
    const input = { mount: 'kv', path: 'app/db', fields: { password: { by: 'recipe', length: 24 } } }
    const body = { integrationId: stage.world.integrationId, action: 'rotate-kv-secret', input, reason: 'a case' }
    return (await stage.home.admin.must(stage.home.admin.post('/api/runs', body))).id
  }
  const stands = async () => (await stage.vault.api('GET', PATH)).body.data
  const preview = (id: string) => stage.home.admin.must(stage.home.admin.get(`/api/runs/${id}/rollback`))
  const rollBack = (id: string) =>
    stage.home.admin.must(stage.home.admin.post(`/api/runs/${id}/rollback`, { reason: 'it answers again' }))
  /** Right before the next write somebody makes it again up to this version, and after it nobody is there. */
  const madeAgainAndAway = (versions: number) =>
    stage.proxy.always(
      awayAfterWrite(PATH, async () => {
        await stage.vault.api('DELETE', 'kv/metadata/app/db')
        for (let version = 1; version <= versions; version += 1) await stage.vault.api('POST', PATH, { data: theirs(version) })
      }),
    )
  const unreachable = (id: string) =>
    waitFor('nobody to answer', async () => (await run(id)).problem?.code === 'target.unreachable')
  /** Stuck for longer than anybody waits for, and given up by an admin. */
  const givenUp = async (id: string) => {
    await waitFor('it to be undone', async () => (await run(id)).state === 'undoing')
    const longAgo = `jsonb_set(undo, '{at}', to_jsonb('2020-01-01T00:00:00Z'::text))`
    await stage.home.database.query(`update ordered_runs set undo = ${longAgo} where id = $1`, [id])
    await until(id, 'stuck')
    await stage.home.admin.must(stage.home.admin.post(`/api/runs/${id}/cancel`))
    stage.proxy.always()
    return until(id, 'failed')
  }

  it('is looked behind when a person has the run taken back, and what somebody made again stands there again', async () => {
    madeAgainAndAway(3)
    const id = await order()
    await unreachable(id)
    await stage.home.admin.must(stage.home.admin.post(`/api/runs/${id}/cancel`))
    await givenUp(id)
    expect(await preview(id)).toMatchObject({
      possible: true,
      because: expect.stringContaining('nobody could look what version 4 of kv/app/db was written over'),
    })
    await rollBack(id)
    await until(id, 'undone')
    expect(await stands()).toMatchObject({ data: theirs(3), metadata: { version: 5 } })
  })

  it('is looked behind where it was a way back, too, and then the run says that somebody was written over', async () => {
    const id = await order()
    await until(id, 'executed')
    madeAgainAndAway(4)
    await rollBack(id)
    await unreachable(id)
    await givenUp(id)
    expect(await preview(id)).toMatchObject({
      possible: true,
      because: expect.stringContaining('nobody could look what version 5'),
    })
    await rollBack(id)
    const said = 'what they wrote was written again, as version 6'
    await waitFor('what was found to be said', async () => (await run(id)).problem?.message.includes(said))
    expect(await stands()).toMatchObject({ data: theirs(4), metadata: { version: 6 } })
    expect(await preview(id), 'that was looked at').toMatchObject({ possible: false })
  })
})
