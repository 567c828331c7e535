import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Answer } from '../support/api.ts'
import { startBroker } from '../support/broker.ts'
import { makeChain } from '../support/certificates.ts'
import { within } from '../support/database.ts'
import { type DistributionWorld, worldAround } from '../support/distribution-world.ts'
import { startRelay } from '../support/relay.ts'

describe('Two who change one distribution, target or credential at once', () => {
  let world: DistributionWorld
  let number = 0

  beforeAll(async () => {
    world = await worldAround(undefined, () => startBroker())
  })
  afterAll(() => world?.stop())

  const fresh = async () => {
    number += 1
    const cn = `race${number}.example.com`
    return { id: await world.certificate(makeChain({ cn, domains: [cn] })), cn }
  }
  const at = async (path: string) => (await world.server.api('GET', `secret/data/${path}`)).body?.data
  const patch = (path: string, body: object) => world.admin.patch(path, body)

  /** So many wait for a lock: those came first that are named first. */
  const waiting = (count: number) =>
    waitFor(`${count} to wait for a lock`, async () => {
      const found = await world.broker.database.query<{ count: number }>(
        `select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return found[0]!.count === count
    })
  /** Holds a row, has them come to it one after another, and lets go. */
  const inTurn = (table: string, id: string, ...comers: (() => Promise<Answer | undefined>)[]) =>
    within(world.broker.database.url, async (client: pg.Client) => {
      await client.query('begin')
      await client.query(`select 1 from ${table} where id = $1 for update`, [id])
      const answers: Promise<Answer | undefined>[] = []
      for (const [before, come] of comers.entries()) {
        answers.push(come())
        await waiting(before + 1)
      }
      await client.query('commit')
      return Promise.all(answers)
    })

  /** Takes the only place there is, until `leave`. */
  const hung = async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const address = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const target = await world.target(`hung ${number}`, { address }, { skipTest: true })
    const makeRoom = async () => {
      await world.broker.database.query(
        `update ordered_runs o set created_at = o.created_at - interval '1 min' from action_runs r
         where r.id = o.id and r.state in ('pending', 'executing')`,
      )
      return undefined
    }
    return { target, makeRoom, close: () => silent.close() }
  }
  const withOneRunning = async (ordered: string) =>
    waitFor('the first to be begun', async () => (await world.get(ordered)).targets[0].runId !== null)

  it('begin with no target of a distribution that was cancelled while its run was being ordered', async () => {
    const { id, cn } = await fresh()
    const first = await hung()
    const second = await world.target(`second ${number}`, { path: 'certs/second/{{ .cn }}' })
    const ordered = await world.distribute(id, [first.target, second], { batchSize: 1 })
    await withOneRunning(ordered)
    const [cancelled] = await inTurn(
      'distributions',
      ordered,
      () => world.admin.post(`/api/distributions/${ordered}/cancel`, { reason: 'not now' }),
      () => first.makeRoom(), // and the second is ordered meanwhile
    )
    expect(cancelled?.status, cancelled?.text).toBe(202)
    expect((await world.settled(ordered)).targets[1]).toMatchObject({ state: 'failed', runId: null })
    expect(await at(`certs/second/${cn}`)).toBeUndefined()
    first.close()
  })

  it('send nothing to where a target leads since, and it goes there once that is said', async () => {
    const { id, cn } = await fresh()
    const first = await hung()
    const moved = await world.target(`moves ${number}`, { path: 'certs/ordered/{{ .cn }}' })
    const ordered = await world.distribute(id, [first.target, moved], { batchSize: 1 })
    await withOneRunning(ordered)
    const { location } = await world.admin.must(world.admin.get(`/api/targets/${moved}`))
    await world.admin.must(patch(`/api/targets/${moved}`, { location: { ...location, path: 'certs/since/{{ .cn }}' } }))
    await first.makeRoom()
    const refused = await waitFor('it to be refused', async () => {
      const [, part] = (await world.get(ordered)).targets
      return part.state === 'failed' && part
    })
    expect(refused).toMatchObject({
      runId: null,
      problem: { code: 'conflict', message: expect.stringContaining('was changed after') },
    })
    expect([await at(`certs/ordered/${cn}`), await at(`certs/since/${cn}`)]).toEqual([undefined, undefined])
    await world.admin.must(world.admin.post(`/api/distributions/${ordered}/cancel`, { reason: 'enough' }))
    await world.settled(ordered)
    await world.admin.must(world.admin.post(`/api/distributions/${ordered}/resume`, { reason: 'there', targetIds: [moved] }))
    expect((await world.settled(ordered)).targets[1].state).toBe('verified')
    expect((await at(`certs/since/${cn}`)).data.certificate).toContain('CERTIFICATE')
    first.close()
  })

  it('leave a target where it is while something is on its way there, and move it afterwards', async () => {
    const { id } = await fresh()
    const relay = await startRelay(world.server.address)
    const target = await world.target(`away ${number}`, { address: relay.url })
    relay.leadTo(undefined)
    const ordered = await world.distribute(id, [target])
    await withOneRunning(ordered)
    const { location } = await world.admin.must(world.admin.get(`/api/targets/${target}`))
    const move = () => patch(`/api/targets/${target}`, { location: { ...location, path: 'certs/b/{{ .cn }}' }, skipTest: true })
    const refused = await move()
    expect(refused.body, refused.text).toMatchObject({
      code: 'conflict',
      field: 'location',
      message: expect.stringContaining(ordered),
    })
    expect((await patch(`/api/targets/${target}`, { name: `renamed ${number}`, skipTest: true })).status).toBe(200)
    await world.admin.must(world.admin.post(`/api/distributions/${ordered}/cancel`, { reason: 'it moves' }))
    await world.settled(ordered)
    expect((await move()).status).toBe(200)
    await relay.close()
  })

  it('give no target a login that is changed at the same time', async () => {
    await fresh()
    const credential = await world.credential(`shared ${number}`, [world.server.address])
    const location = { address: world.server.address, path: `certs/{{ .cn }}` }
    const target = { name: `late ${number}`, credentialId: credential, location, skipTest: true }
    const login = () => patch(`/api/target-credentials/${credential}`, { login: world.login })
    // A target that came while the login was being sealed for those that were there.
    const [made, changed] = await inTurn('target_credentials', credential, () => world.admin.post('/api/targets', target), login)
    expect([made?.status, changed?.status], changed?.text).toEqual([201, 409])
    expect(changed?.body).toMatchObject({ code: 'conflict', message: expect.stringContaining('somebody else changed') })
    // A login that came while it was being sealed for a target: a new one, and one that is there.
    const later = { ...target, name: `later ${number}` }
    const [first, second] = await inTurn('target_credentials', credential, login, () => world.admin.post('/api/targets', later))
    expect([first?.status, second?.status], second?.text).toEqual([200, 409])
    const other = { location: { ...location, timeoutSeconds: 7 }, skipTest: true }
    const [third, fourth] = await inTurn('target_credentials', credential, login, () =>
      patch(`/api/targets/${made!.body.id}`, other),
    )
    expect([third?.status, fourth?.status], fourth?.text).toEqual([200, 409])
    // Two who change the login.
    const names = ['one', 'other'].map((name) => ({ name: `${name} ${number}` }))
    const both = await inTurn(
      'target_credentials',
      credential,
      ...names.map((body) => () => patch(`/api/target-credentials/${credential}`, body)),
    )
    expect(both.map((answer) => answer?.status)).toEqual([200, 409])
  })

  it('reach a target where it leads now, with a session of its own, from the moment it is changed', async () => {
    const { id } = await fresh()
    const [before, after] = await Promise.all([startRelay(world.server.address), startRelay(world.server.address)])
    const credentialId = await world.credential(`two doors ${number}`, [before.url, after.url])
    const target = await world.target(`moved ${number}`, { address: before.url }, { credentialId })
    const ordered = await world.distribute(id, [target])
    await world.settled(ordered)
    const outlook = async () => (await world.admin.must(world.admin.get(`/api/distributions/${ordered}/rollback`))).items[0]
    expect(await outlook()).toMatchObject({ possible: true })
    const { location } = await world.admin.must(world.admin.get(`/api/targets/${target}`))
    await world.admin.must(patch(`/api/targets/${target}`, { location: { ...location, address: after.url }, skipTest: true }))
    before.leadTo(undefined)
    expect(await outlook()).toMatchObject({ possible: true })
    await Promise.all([before.close(), after.close()])
  })

  it('lose no distribution and no run whose rows of due work are gone', async () => {
    const { id, cn } = await fresh()
    const relay = await startRelay(world.server.address)
    const target = await world.target(`lost ${number}`, { address: relay.url, path: 'certs/lost/{{ .cn }}' })
    const loseAllOf = (ordered: string) =>
      waitFor('their rows to be lost', async () => {
        const [{ runId }] = (await world.get(ordered)).targets
        await world.broker.database.query('delete from due_work where subject = any($1) and locked_by is null', [
          [ordered, runId],
        ])
        const left = await world.broker.database.query('select 1 from due_work where subject = any($1)', [[ordered, runId]])
        return left.length === 0
      })
    const inTheWay = (ordered: string) =>
      waitFor('it to be tried in vain', async () => (await world.get(ordered)).targets[0].problem !== null)
    relay.leadTo(undefined)
    const ordered = await world.distribute(id, [target])
    await inTheWay(ordered)
    await loseAllOf(ordered)
    relay.leadTo(world.server.address)
    expect((await world.settled(ordered)).state).toBe('done')
    relay.leadTo(undefined)
    await world.admin.must(world.admin.post(`/api/distributions/${ordered}/rollback`, { reason: 'wrong' }))
    await inTheWay(ordered)
    await loseAllOf(ordered)
    relay.leadTo(world.server.address)
    expect((await world.settled(ordered)).state).toBe('rolled_back')
    expect(await at(`certs/lost/${cn}`)).toMatchObject({ data: null })
    await relay.close()
  })

  it('put it back once, and are all told the same, when they say it with one key', async () => {
    const target = await world.target('one key', { path: 'certs/key/{{ .cn }}' })
    for (let round = 0; round < 3; round += 1) {
      const ordered = await world.distribute((await fresh()).id, [target])
      await world.settled(ordered)
      const body = { reason: 'wrong', idempotencyKey: `back ${round}` }
      const back = () => world.admin.post(`/api/distributions/${ordered}/rollback`, body)
      const answers = await Promise.all(Array.from({ length: 20 }, back))
      expect(answers.map(({ status, body: { code } }) => ({ status, code }))).toEqual(
        Array(20).fill({ status: 200, code: undefined }),
      )
      expect(await world.settled(ordered)).toMatchObject({ id: ordered, state: 'rolled_back' })
    }
  })
})
