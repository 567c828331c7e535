import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { run as latchkey } from '../../src/cli/main.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { type Fault, pass } from '../support/fault-proxy.ts'
import { type Stage, setStage } from '../support/stage.ts'

const PATH = 'kv/data/app/db'

describe('A rotation whose way back is refused', { timeout: 60_000 }, () => {
  let stage: Stage<Broker>
  beforeAll(async () => {
    stage = await setStage(startBroker, { capabilities: ['discovery', 'grants', 'rotate-secrets'] })
  }, 120_000)
  afterAll(() => stage?.close())
  beforeEach(async () => {
    stage.proxy.always()
    await stage.vault.api('DELETE', 'kv/metadata/app/db')
    await stage.vault.api('POST', PATH, { data: { username: 'app', password: 'the first' } })
  })

  const rotated = async (): Promise<string> => {
    const { admin } = stage.home
    const input = { mount: 'kv', path: 'app/db', fields: { password: { by: 'recipe', length: 24 } } }
    const body = { integrationId: stage.world.integrationId, action: 'rotate-kv-secret', input, reason: 'it leaked' }
    const { id } = await admin.must(admin.post('/api/runs', body))
    await waitFor('it to be done', async () => (await admin.must(admin.get(`/api/runs/${id}`))).state === 'executed')
    return id
  }
  const cli = async (...words: string[]) => {
    const said: string[] = []
    const env = { LATCHKEY_CLI_URL: stage.home.url, LATCHKEY_CLI_TOKEN: stage.home.adminToken }
    const code = await latchkey(words, { env, print: (line) => said.push(line), tell: (line) => said.push(line) })
    return { code, said: said.join('\n') }
  }
  const rollBack = (id: string) => stage.home.admin.post(`/api/runs/${id}/rollback`, { reason: 'the old one' })

  it('says how to bring the earlier version back, where that helps', async () => {
    const id = await rotated()
    await stage.vault.api('POST', 'kv/delete/app/db', { versions: [1] })
    const undelete = 'vault kv undelete -mount=kv -versions=1 app/db'
    expect((await rollBack(id)).body).toMatchObject({ code: 'conflict', fix: expect.stringContaining(undelete) })
    const told = await cli('rollback', id, '--reason', 'the old one')
    expect(told.code).not.toBe(0)
    expect(told.said).toContain(undelete)
    await stage.vault.api('POST', 'kv/undelete/app/db', { versions: [1] })
    expect((await cli('rollback', id, '--reason', 'the old one')).code, 'and so it is').toBe(0)
  })

  it('does not say so of one that is destroyed', async () => {
    const id = await rotated()
    await stage.vault.api('POST', 'kv/destroy/app/db', { versions: [1] })
    const { body } = await rollBack(id)
    expect(body).toMatchObject({ code: 'conflict', message: expect.stringContaining('version 1 of kv/app/db is destroyed') })
    expect(body.fix).toBe('write by hand what should be there')
  })

  it('says at the command line how to save what was written over in that instant, and goes on saying so', async () => {
    const id = await rotated()
    const madeAgain: Fault = async (call) => {
      if (call.method !== 'POST' || call.path !== PATH) return pass(call)
      stage.proxy.always()
      await stage.vault.api('DELETE', 'kv/metadata/app/db')
      for (const version of [1, 2]) await stage.vault.api('POST', PATH, { data: { serial: 2 ** 60, version } })
      await pass(call)
    }
    stage.proxy.always(madeAgain)
    const told = await cli('rollback', id, '--reason', 'the old one')
    expect(told.code).not.toBe(0)
    const get = 'vault kv get -mount=kv -version=2 app/db'
    expect(told.said).toMatch(/is executed: .*their version 2 was written over and holds a number in serial/)
    expect(told.said.split('\n').filter((line) => line.includes(get)).length, 'of the run, and with the error').toBe(2)
    expect((await cli('runs', id)).said).toContain(get)
  })
})
