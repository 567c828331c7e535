import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Api } from '../support/api.ts'
import { startBroker } from '../support/broker.ts'
import { makeChain } from '../support/certificates.ts'
import { type DistributionWorld, distributionWorld } from '../support/distribution-world.ts'
import { ownToken } from '../support/own-token.ts'
import { startRelay } from '../support/relay.ts'

describe.each(await serversUnderTest())('A certificate for several targets on $product', { timeout: 90_000 }, (binary) => {
  let world: DistributionWorld
  let number = 0

  beforeAll(async () => {
    world = await distributionWorld(binary)
  }, 120_000)
  afterAll(() => world?.stop())

  /** A certificate of its own name, so that no test meets the secrets of another. */
  const fresh = async (more: object = {}) => {
    number += 1
    const made = makeChain({ cn: `n${number}.example.com`, domains: [`n${number}.example.com`] })
    return { id: await world.certificate(made, more), made, cn: made.leaf.name }
  }
  /** A broker on the same database where changes wait for a second admin, and that one. */
  const twoAdmins = async () => {
    const { database, key } = world.broker
    const careful = await startBroker({ database, key, config: { fourEyes: true } })
    number += 1
    const { id } = await world.admin.must(world.admin.post('/api/users', { name: `second admin ${number}`, roles: ['admin'] }))
    return { careful, second: careful.api((await ownToken(database, id, ['read', 'manage'])).token) }
  }
  const at = async (path: string) => (await world.server.api('GET', `secret/data/${path}`)).body?.data
  const statesOf = (view: { targets: { name: string; state: string }[] }) =>
    Object.fromEntries(view.targets.map(({ name, state }) => [name, state]))
  const versions = async (path: string) =>
    Object.keys((await world.server.api('GET', `secret/metadata/${path}`)).body?.data?.versions ?? {}).length

  it('reaches two while the third is down, says so, and reaches it when it is resumed, without a word to the two', async () => {
    const { id, cn } = await fresh()
    const relay = await startRelay(world.server.address)
    const a = await world.target('two a', { path: 'certs/a/{{ .cn }}' })
    const b = await world.target('two b', { path: 'certs/b/{{ .cn }}' })
    const c = await world.target('two c', { path: 'certs/c/{{ .cn }}', address: relay.url })
    relay.leadTo(undefined)
    const ordered = await world.distribute(id, [a, b, c])
    const partly = await waitFor('two to have it and the third to be away', async () => {
      const now = await world.get(ordered)
      return now.counts.verified === 2 && now.targets[2].problem && now
    })
    expect(statesOf(partly)).toEqual({ 'two a': 'verified', 'two b': 'verified', 'two c': 'running' })
    expect(partly.targets[2].problem).toMatchObject({ code: 'target.unreachable' })
    await world.admin.must(world.admin.post(`/api/distributions/${ordered}/cancel`, { reason: 'c is being rebuilt' }))
    const ended = await world.settled(ordered)
    expect([ended.state, statesOf(ended)]).toEqual(['partial', { 'two a': 'verified', 'two b': 'verified', 'two c': 'failed' }])
    const trail = await world.admin.must(world.admin.get(`/api/audit?subject=${ordered}`))
    expect(trail.items.map(({ kind }: { kind: string }) => kind)).toContain('distribution.failed')

    relay.leadTo(world.server.address)
    await world.admin.must(world.admin.post(`/api/distributions/${ordered}/resume`, { reason: 'c is back' }))
    const done = await world.settled(ordered)
    expect([done.state, statesOf(done)]).toEqual(['done', { 'two a': 'verified', 'two b': 'verified', 'two c': 'verified' }])
    expect(await Promise.all(['a', 'b', 'c'].map((name) => versions(`certs/${name}/${cn}`)))).toEqual([1, 1, 1])
    const again = await world.admin.post(`/api/distributions/${ordered}/resume`, { reason: 'once more' })
    expect(again.body).toMatchObject({ status: 409, code: 'conflict' })
    await relay.close()
  })

  it('waits for nobody who hangs', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const address = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const { id } = await fresh()
    const hung = await world.target('hung', { address }, { skipTest: true })
    const well = await Promise.all([1, 2, 3].map((each) => world.target(`well ${each}`, { path: `certs/well${each}/{{ .cn }}` })))
    const ordered = await world.distribute(id, [hung, ...well], { batchSize: 1 })
    const view = await waitFor('the others to have it', async () => {
      const now = await world.get(ordered)
      return now.counts.verified === 3 && now
    })
    expect(['queued', 'running']).toContain(statesOf(view)['hung'])
    await world.admin.must(world.admin.post(`/api/distributions/${ordered}/cancel`, { reason: 'enough' }))
    silent.close()
  })

  it('is put back at chosen targets alone, and then at the rest', async () => {
    const { id, cn } = await fresh()
    await world.server.api('POST', `secret/data/certs/x/${cn}`, { data: { certificate: 'the old one' } })
    const x = await world.target('back x', { path: 'certs/x/{{ .cn }}' })
    const y = await world.target('back y', { path: 'certs/y/{{ .cn }}' })
    const ordered = await world.distribute(id, [x, y])
    await world.settled(ordered)
    const back = (targetIds?: string[]) =>
      world.admin.must(
        world.admin.post(`/api/distributions/${ordered}/rollback`, { reason: 'wrong', ...(targetIds && { targetIds }) }),
      )
    await back([x])
    expect(statesOf(await world.settled(ordered))).toEqual({ 'back x': 'rolled_back', 'back y': 'verified' })
    expect((await at(`certs/x/${cn}`)).data).toEqual({ certificate: 'the old one' })
    await back()
    expect((await world.settled(ordered)).state).toBe('rolled_back')
    // There was none before: its only version is deleted, and nothing else.
    expect(await at(`certs/y/${cn}`)).toMatchObject({ data: null, metadata: { version: 1, destroyed: false } })
    // What two admins put back is not sent once more by one of them.
    const { database, key } = world.broker
    const careful = await startBroker({ database, key, config: { fourEyes: true } })
    const alone = await careful.admin.post(`/api/distributions/${ordered}/resume`, { reason: 'after all', targetIds: [x] })
    expect(alone.body).toMatchObject({ code: 'conflict', fix: expect.stringContaining('second admin') })
    await careful.close()
  })

  it('is put back by two admins at the targets that the second one was shown, and at none that came since', async () => {
    const { id, cn } = await fresh()
    const relay = await startRelay(world.server.address)
    const early = await world.target('early', { path: 'certs/early/{{ .cn }}' })
    const late = await world.target('late', { path: 'certs/late/{{ .cn }}', address: relay.url })
    relay.leadTo(undefined)
    const ordered = await world.distribute(id, [early, late])
    await waitFor('one to have it', async () => (await world.get(ordered)).counts.verified === 1)
    await world.admin.must(world.admin.post(`/api/distributions/${ordered}/cancel`, { reason: 'late is late' }))
    await world.settled(ordered)
    const { careful, second } = await twoAdmins()
    const held = await careful.admin.must(careful.admin.post(`/api/distributions/${ordered}/rollback`, { reason: 'wrong' }))
    relay.leadTo(world.server.address)
    await world.admin.must(world.admin.post(`/api/distributions/${ordered}/resume`, { reason: 'late is there' }))
    expect((await world.settled(ordered)).counts.verified).toBe(2)
    await second.must(second.post(`/api/proposals/${held.id}/accept`))
    await waitFor('the early one to be put back', async () => (await world.get(ordered)).counts.rolled_back === 1)
    expect(statesOf(await world.settled(ordered))).toEqual({ early: 'rolled_back', late: 'verified' })
    expect((await at(`certs/late/${cn}`)).data).not.toBeNull()
    await careful.close()
    await relay.close()
  })

  it('is ordered and put back once, however often that is said with its key', async () => {
    const { id } = await fresh()
    const target = await world.target('repeated', { path: 'certs/repeated/{{ .cn }}' })
    const { careful, second } = await twoAdmins()
    const order = (by: Api, more: object = {}) =>
      by.post('/api/distributions', { certificateId: id, targetIds: [target], reason: 'x', idempotencyKey: 'once', ...more })
    const held = await Promise.all([1, 2, 3].map(() => order(careful.admin)))
    expect(new Set(held.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1)
    const another = { status: 409, code: 'conflict', field: 'idempotencyKey' }
    const others = [{ batchSize: 3 }, { certificateId: (await fresh()).id }, { targetIds: [await world.target('not meant')] }]
    for (const more of others) expect((await order(careful.admin, more)).body).toMatchObject(another)
    await second.must(second.post(`/api/proposals/${held[0]!.body.id}/accept`))
    const ordered = await world.admin.must(order(world.admin))
    expect((await order(careful.admin)).body.id).toBe(ordered.id)
    expect((await world.settled(ordered.id)).state).toBe('done')
    const back = (by: Api, more: object = {}, of = ordered.id) =>
      by.post(`/api/distributions/${of}/rollback`, { reason: 'wrong', idempotencyKey: 'back', ...more })
    const waits = await Promise.all([1, 2].map(() => back(careful.admin)))
    expect(new Set(waits.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1)
    await second.must(second.post(`/api/proposals/${waits[0]!.body.id}/accept`))
    expect((await world.settled(ordered.id)).state).toBe('rolled_back')
    expect(await back(world.admin)).toMatchObject({ status: 200, body: { id: ordered.id, state: 'rolled_back' } })
    for (const more of [{ reason: 'another' }, { targetIds: [target] }])
      expect((await back(world.admin, more)).body).toMatchObject(another)
    expect((await back(world.admin, {}, await world.distribute((await fresh()).id, [target]))).body).toMatchObject(another)
    await careful.close()
  })

  it('goes to no two targets that are one place', async () => {
    const { id } = await fresh()
    const targets = [
      await world.target('one place', { path: 'certs/same/{{ .cn }}' }),
      await world.target('the same place', { path: 'certs/same/{{ .cn }}' }),
    ]
    const answer = await world.admin.post('/api/distributions', { certificateId: id, targetIds: targets, reason: 'x' })
    expect(answer.body, answer.text).toMatchObject({ code: 'input.invalid', field: 'targetIds.1' })
    expect(answer.body.message).toContain('one place')
  })

  it('goes nowhere else than a second admin accepted', async () => {
    const { id, cn } = await fresh()
    const target = await world.target('moves', { path: 'certs/accepted/{{ .cn }}' })
    const { careful, second } = await twoAdmins()
    const order = { certificateId: id, targetIds: [target], reason: 'renewed' }
    const held = await careful.admin.must(careful.admin.post('/api/distributions', order))
    const { location } = await world.admin.must(world.admin.get(`/api/targets/${target}`))
    await world.admin.must(
      world.admin.patch(`/api/targets/${target}`, { location: { ...location, path: 'certs/elsewhere/{{ .cn }}' } }),
    )
    await second.post(`/api/proposals/${held.id}/accept`)
    const proposal = await waitFor('it to be refused', async () => {
      const now = await careful.admin.must(careful.admin.get(`/api/proposals/${held.id}`))
      return now.state === 'failed' && now
    })
    expect(proposal.problem).toMatchObject({ code: 'conflict', message: expect.stringContaining('was changed after') })
    expect([await at(`certs/accepted/${cn}`), await at(`certs/elsewhere/${cn}`)]).toEqual([undefined, undefined])
    await careful.close()
  })

  it('is not sent again when it has expired since', async () => {
    const { id, cn } = await fresh()
    const target = await world.target('expired', { path: 'certs/expired/{{ .cn }}' })
    const ordered = await world.distribute(id, [target])
    await world.settled(ordered)
    await world.admin.must(world.admin.post(`/api/distributions/${ordered}/rollback`, { reason: 'wrong' }))
    await world.settled(ordered)
    await world.broker.database.query(`update certificates set not_after = now() - interval '1 s' where id = $1`, [id])
    const again = await world.admin.post(`/api/distributions/${ordered}/resume`, { reason: 'after all', targetIds: [target] })
    expect(again.body).toMatchObject({ code: 'input.invalid', message: expect.stringContaining('has expired') })
    const order = { certificateId: id, targetIds: [target], reason: 'after all' }
    expect((await world.admin.post('/api/distributions', order)).body).toMatchObject({ field: 'certificateId' })
    expect((await at(`certs/expired/${cn}`)).data).toBeNull()
  })

  it('is not put back over what somebody wrote since, and says at how many targets it was, and why not at the others', async () => {
    const { id, cn } = await fresh()
    const target = await world.target('written since', { path: 'certs/since/{{ .cn }}' })
    const other = await world.target('left alone', { path: 'certs/alone/{{ .cn }}' })
    const ordered = await world.distribute(id, [target, other])
    await world.settled(ordered)
    await world.server.api('POST', `secret/data/certs/since/${cn}`, { data: { certificate: 'by hand' } })
    const outlook = await world.admin.must(world.admin.get(`/api/distributions/${ordered}/rollback`))
    expect(outlook.items).toMatchObject([
      { name: 'left alone', possible: true },
      { possible: false, because: expect.stringContaining('somebody has since written') },
    ])
    const back = async (targetIds: string[]) => {
      await world.admin.must(world.admin.post(`/api/distributions/${ordered}/rollback`, { reason: 'wrong', targetIds }))
      return world.settled(ordered)
    }
    const refused = await back([target])
    expect([refused.state, statesOf(refused)]).toEqual([
      'rollback_refused',
      { 'written since': 'refused', 'left alone': 'verified' },
    ])
    expect(refused.targets[0].problem).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('nothing was restored'),
    })
    const both = await back([target, other])
    expect([both.state, both.counts]).toEqual(['rollback_refused', { refused: 1, rolled_back: 1 }])
    expect((await at(`certs/since/${cn}`)).data).toEqual({ certificate: 'by hand' })

    const ends = async () => {
      const { items } = await world.admin.must(world.admin.get(`/api/audit?subject=${ordered}`))
      return items.filter(({ kind }: { kind: string }) => /finished|failed|rolled_back|incomplete/.test(kind))
    }
    const why = expect.stringMatching(/rolled back at 1 of 2; refused at written since: .*nothing was restored/)
    expect(await ends()).toMatchObject([
      { kind: 'distribution.rollback_incomplete', data: { rolledBack: 1, of: 2, message: why } },
      { kind: 'distribution.rollback_incomplete', data: { rolledBack: 0, of: 1 } },
      { kind: 'distribution.finished' },
    ])
  })

  it('goes without its private key where a target says so, under names of the target’s own', async () => {
    const { id, made, cn } = await fresh({ variables: { team: 'web' } })
    const fields = { certificate: 'tls.crt', privateKey: 'tls.key', chain: 'ca.crt', fullchain: 'full.crt' }
    const target = await world.target('public', {
      path: 'certs/{{ .variables.team }}/{{ .domain }}',
      fields,
      includePrivateKey: false,
    })
    expect((await world.settled(await world.distribute(id, [target]))).state).toBe('done')
    const { data } = await at(`certs/web/${cn}`)
    expect(data).toEqual({ 'tls.crt': made.leaf.pem, 'ca.crt': made.chain, 'full.crt': made.leaf.pem + made.chain })
  })

  it.each([
    ['a slash', 'evil/../../admin', /slash/],
    ['a wildcard', '*.example.com', /wildcard/],
    ['dots alone', '..', /relative segment/],
  ])('is refused before anything is sent where its common name is %s', async (_, cn, says) => {
    number += 1
    const id = await world.certificate(makeChain({ cn, domains: ['odd.example.com'] }), { name: `odd ${number}` })
    const target = await world.target(`odd ${number}`)
    const answer = await world.admin.post('/api/distributions', { certificateId: id, targetIds: [target], reason: 'x' })
    expect(answer.body, answer.text).toMatchObject({ status: 400, code: 'input.invalid', field: 'targetIds.0' })
    expect(answer.body.message).toMatch(says)
  })

  it('is refused where a variable is missing, and where a key is wanted and none was given', async () => {
    const made = makeChain({ cn: 'keyless.example.com' })
    const body = { name: 'keyless', certificate: made.leaf.pem, chain: made.chain }
    const { id } = await world.admin.must(world.admin.post('/api/certificates', body))
    const order = async (target: string) =>
      (await world.admin.post('/api/distributions', { certificateId: id, targetIds: [target], reason: 'x' })).body
    expect(await order(await world.target('wants a key'))).toMatchObject({
      field: 'targetIds.0',
      message: expect.stringContaining('without one'),
    })
    const unknown = await world.target('wants a team', { path: 'certs/{{ .variables.team }}' })
    expect(await order(unknown)).toMatchObject({
      field: 'targetIds.0',
      message: expect.stringContaining('the certificate has none'),
    })
  })

  it('leaves no key in journal, trail, log or answer, wherever it went', async () => {
    expect(world.canaries.size).toBeGreaterThan(5)
    expect(await world.whereItLeaks(world.login.secretId)).toEqual([])
  })
})
