import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { run as latchkey } from '../../src/cli/main.ts'
import { makeChain } from '../support/certificates.ts'
import { type DistributionWorld, distributionWorld } from '../support/distribution-world.ts'
import { type FaultProxy, pass, startFaultProxy } from '../support/fault-proxy.ts'
import { outpaced, spoiled } from '../support/faults.ts'

const FORMER = { certificate: 'the old one' }

describe.each(await serversUnderTest())('A target at $product that is removed', { timeout: 60_000 }, (binary) => {
  let world: DistributionWorld
  let proxy: FaultProxy
  let number = 0

  beforeAll(async () => {
    world = await distributionWorld(binary)
    proxy = await startFaultProxy(world.server.address)
  }, 120_000)
  afterAll(async () => {
    await proxy?.close()
    await world?.stop()
  })

  const get = (path: string) => world.admin.must(world.admin.get(path))
  const post = (path: string, body: object) => world.admin.post(path, body)
  const remove = (target: string, query = '') => world.admin.delete(`/api/targets/${target}${query}`)
  const atWrites = (...faults: (typeof pass)[]) =>
    proxy.always((call) => {
      if (call.method !== 'POST' || !call.path.startsWith('secret/data/')) return pass(call)
      return (faults.shift() ?? pass)(call)
    })
  const sent = async (...faults: (typeof pass)[]) => {
    number += 1
    const [name, cn] = [`removed ${number}`, `removed${number}.example.com`]
    const target = await world.target(name, { address: proxy.url, path: 'certs/removed/{{ .cn }}' })
    await world.server.api('POST', `secret/data/certs/removed/${cn}`, { data: FORMER })
    atWrites(...faults)
    const certificate = await world.certificate(makeChain({ cn, domains: [cn] }))
    const id = await world.distribute(certificate, [target], { undoIfUnverified: false })
    const { runId, state } = (await world.settled(id)).targets[0]
    return { id, name, cn, target, runId: runId as string, state }
  }
  const back = (id: string) => post(`/api/distributions/${id}/rollback`, { reason: 'spoiled' })
  const resume = (id: string, targetIds?: string[]) => post(`/api/distributions/${id}/resume`, { reason: 'again', targetIds })
  const removal = async (target: string) => {
    const { items } = await get(`/api/audit?subject=${target}`)
    return items.find(({ kind }: { kind: string }) => kind === 'target.removed')?.data
  }
  const cli = async (...words: string[]) => {
    const said: string[] = []
    const env = { LATCHKEY_CLI_URL: world.broker.url, LATCHKEY_CLI_TOKEN: world.broker.adminToken }
    const code = await latchkey(words, { env, print: (line) => said.push(line), tell: (line) => said.push(line) })
    return { code, said: said.join('\n') }
  }

  it('is kept while something that failed is left there, and says what to take back first', async () => {
    const { id, name, target, runId, state } = await sent(spoiled)
    expect(state).toBe('failed')
    const refused = await remove(target)
    expect(refused.body, refused.text).toMatchObject({
      status: 409,
      code: 'conflict',
      field: 'force',
      message: `${name} cannot be removed: something is left there of ${runId}`,
      fix: expect.stringContaining(`latchkey rollback ${runId}`),
    })
    const said = await cli('api', 'DELETE', `/api/targets/${target}`)
    expect(said.code).not.toBe(0)
    expect(said.said).toContain(`something is left there of ${runId}`)
    expect(said.said).toContain('force=true')
    expect((await get(`/api/targets/${target}`)).name).toBe(name)
    await world.admin.must(back(id))
    expect((await world.settled(id)).targets[0].state).toBe('rolled_back')
    expect((await remove(target)).status).toBe(204)
    expect(await removal(target)).toEqual({ name })
  })

  it('is kept while something is there that was to be put back and was not', async () => {
    const { id, target, runId } = await sent()
    atWrites(outpaced)
    await world.admin.must(back(id))
    expect((await world.settled(id)).targets[0].state).toBe('refused')
    expect((await remove(target)).body).toMatchObject({ status: 409, message: expect.stringContaining(runId) })
    await world.admin.must(back(id))
    await world.settled(id)
    expect((await remove(target)).status).toBe(204)
  })

  it('goes without a word where what was sent there is well', async () => {
    const { target, name, state } = await sent()
    expect(state).toBe('verified')
    expect((await remove(target)).status).toBe(204)
    expect(await removal(target)).toEqual({ name })
  })

  it('goes with what is left where that is said, the trail names it, and every door says the same afterwards', async () => {
    const { id, name, cn, target, runId } = await sent(spoiled)
    const gone = await cli('api', 'DELETE', `/api/targets/${target}?force=true`)
    expect(gone.code, gone.said).toBe(0)
    expect(await removal(target)).toEqual({ name, left: [runId] })
    expect((await get(`/api/distributions/${id}`)).targets).toMatchObject([{ state: 'failed', removed: true, undoable: false }])
    expect((await cli('distributions', id)).said).toContain(`${name} (removed)`)
    expect((await get(`/api/distributions/${id}/rollback`)).items).toMatchObject([
      { possible: false, because: 'the target was removed' },
    ])
    expect((await back(id)).body).toMatchObject({
      status: 409,
      message: expect.stringContaining(`${name}: the target was removed`),
    })
    for (const targets of [undefined, [target]]) {
      expect((await resume(id, targets)).body).toMatchObject({ status: 409, message: expect.stringContaining('was removed') })
    }
    expect(await get(`/api/runs/${runId}`)).toMatchObject({ state: 'failed', undoable: false })
    expect(await get(`/api/runs/${runId}/rollback`)).toMatchObject({ possible: false, because: 'its integration was removed' })
    expect((await post(`/api/runs/${runId}/rollback`, { reason: 'all the same' })).body).toMatchObject({
      status: 409,
      message: expect.stringContaining('its integration was removed'),
    })
    expect((await world.server.api('GET', `secret/data/certs/removed/${cn}`)).body.data.data).toEqual({
      note: 'spoiled on its way',
    })
  })

  it('has something of which nobody knows any more once the steps are forgotten, and says so', async () => {
    const { id, target, runId } = await sent(spoiled)
    const { database } = world.broker
    await database.query(`update action_runs set settled_at = now() - interval '400 d' where id = $1`, [runId])
    await database.query(`update due_work set run_at = now(), version = version + 1 where kind = 'retention'`)
    await database.query(`select pg_notify('due_work', 'background')`)
    await waitFor('the steps to be forgotten', async () => {
      const left = await database.query('select 1 from action_steps where run_id = $1', [runId])
      return left.length === 0
    })
    const unknown = expect.stringContaining('it is no longer known whether something of it is')
    expect(await get(`/api/runs/${runId}/rollback`)).toMatchObject({ possible: false, because: unknown })
    expect((await get(`/api/distributions/${id}/rollback`)).items).toMatchObject([{ possible: false, because: unknown }])
    expect((await cli('rollback', runId, '--plan')).said).toContain('it is no longer known whether something of it is')
    expect((await back(id)).body).toMatchObject({ status: 409, message: unknown })
    expect((await resume(id)).body).toMatchObject({ status: 409, message: expect.stringContaining('may have left something') })
    await world.admin.must(resume(id, [target]))
    expect((await world.settled(id)).state).toBe('done')
  })
})
