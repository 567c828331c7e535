import { X509Certificate } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { startBroker } from '../support/broker.ts'
import { makeChain } from '../support/certificates.ts'
import { type DistributionWorld, distributionWorld } from '../support/distribution-world.ts'
import { ownToken } from '../support/own-token.ts'

const servers = await serversUnderTest()
const CANARY = 'canary-standing-at-a-target'

describe.each(servers)('A dry run of a distribution to $product', (binary) => {
  let world: DistributionWorld
  let certificateId: string
  let former: ReturnType<typeof makeChain>
  const cn = 'dry.example.com'
  const silent = createServer(() => {})

  beforeAll(async () => {
    world = await distributionWorld(binary)
    former = makeChain({ cn, domains: [cn] })
    certificateId = await world.certificate(makeChain({ cn, domains: [cn] }))
    const { leaf, chain } = former
    const data = { certificate: leaf.pem, chain, private_key: leaf.keyPem, note: CANARY }
    await world.server.api('POST', `secret/data/certs/full/${cn}`, { data: { note: 'first' } })
    await world.server.api('POST', `secret/data/certs/full/${cn}`, { data })
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  })
  afterAll(async () => {
    silent.close()
    await world?.stop()
  })

  const versions = async (path: string) =>
    (await world.server.api('GET', `secret/metadata/certs/${path}/${cn}`)).body?.data?.current_version
  const targets = async (mark: string) => [
    await world.target(`full ${mark}`, { path: 'certs/full/{{ .cn }}' }),
    await world.target(`empty ${mark}`, { path: 'certs/empty/{{ .cn }}', includePrivateKey: false }),
    await world.target(`old ${mark}`, { mount: 'old' }, { skipTest: true }),
  ]
  const dryRun = (targetIds: readonly string[]) => world.admin.post('/api/distributions/dry-run', { certificateId, targetIds })
  const expected = () => {
    const fingerprint = new X509Certificate(former.leaf.pem).fingerprint256.replaceAll(':', '').toLowerCase()
    return [
      {
        path: `secret/certs/full/${cn}`,
        now: { version: 2, fields: ['certificate', 'chain', 'note', 'private_key'], certificate: { fingerprint } },
      },
      { path: `secret/certs/empty/${cn}`, now: { version: 0 } },
      { now: null },
    ]
  }

  it('shows what stands at each target now, by names, versions and fingerprints, and writes nothing', async () => {
    const targetIds = await targets('shown')
    const answer = await dryRun(targetIds)
    expect(answer.body, answer.text).toMatchObject({
      certificate: { id: certificateId },
      reversible: true,
      risk: { level: 'medium', reasons: expect.arrayContaining(['It changes 3 things at once.']) },
      targets: expected().map((one, at) => ({ id: targetIds[at], ...one })),
    })
    const [full, empty, old] = answer.body.targets
    expect(full.summary).toMatch(/Writes version 3 .* with the private key.* will not be in the new version: note/)
    expect(empty.summary).toMatch(/Writes version 1 .* without the private key/)
    expect(old.problem.message).toMatch(/old/)
    expect(answer.text).not.toContain(CANARY)
    expect(answer.text).not.toContain('PRIVATE KEY')
    expect([await versions('full'), await versions('empty')]).toEqual([2, undefined])
    expect((await world.admin.must(world.admin.get('/api/distributions'))).items).toEqual([])
    expect(await world.whereItLeaks(CANARY)).toEqual([])
  })

  it('says what hangs, asks those that come after it, however many hang, and answers without the last of them', async () => {
    const address = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const names = Array.from({ length: 76 }, (_, at) => `silent ${at + 1}`)
    const hung = await Promise.all(names.map((name) => world.target(name, { address, path: name }, { skipTest: true })))
    const well = await world.target('after them', { path: 'certs/full/{{ .cn }}' })
    const answer = await dryRun([...hung, well])
    const { targets: shown } = answer.body
    expect(shown.at(-1), answer.text).toMatchObject({ now: { fields: expect.arrayContaining(['certificate']) }, problem: null })
    for (const each of shown.slice(0, -1)) expect(each).toMatchObject({ now: null, problem: { code: 'target.timeout' } })
    // Those that it came to last have still time to answer.
    expect(shown.at(-2).problem.message).toContain('did not answer in time, so nobody knows')
  })

  it('says where nothing could be put back, counts that as a risk, and why it was not put back there then', async () => {
    const once = await world.target('keeps one', { path: 'certs/once/{{ .cn }}' })
    const full = await world.target('keeps more', { path: 'certs/full/{{ .cn }}' })
    const none = await world.target('keeps one and is empty', { path: 'certs/none/{{ .cn }}' })
    for (const name of ['once', 'none'])
      await world.server.api('POST', `secret/metadata/certs/${name}/${cn}`, { max_versions: 1 })
    await world.server.api('POST', `secret/data/certs/once/${cn}`, { data: { note: 'the only one' } })
    const { body } = await dryRun([full, once])
    const because = expect.stringMatching(/^At 1 of 2 it cannot be undone, as at keeps one: .* keeps only one version/)
    expect(body).toMatchObject({ reversible: false, risk: { level: 'high', reasons: expect.arrayContaining([because]) } })
    const empty = (await dryRun([full, none])).body
    expect(empty, 'the way back is to delete').toMatchObject({ reversible: true, risk: { level: 'medium' } })
    expect(empty.targets[1].summary).not.toContain('restored')
    const ordered = await world.distribute(certificateId, [once])
    await world.settled(ordered)
    await world.admin.must(world.admin.post(`/api/distributions/${ordered}/rollback`, { reason: 'wrong' }))
    const { state, targets: parts } = await world.settled(ordered)
    expect([state, parts[0].problem]).toMatchObject([
      'rollback_refused',
      { message: expect.stringContaining('no longer kept'), fix: expect.stringMatching(/^write by hand .* max_versions/) },
    ])
  })

  it('is what a second admin is shown, and nothing is sent when something else stands there by then', async () => {
    const targetIds = await targets('held')
    const { database, key } = world.broker
    const careful = await startBroker({ database, key, config: { fourEyes: true } })
    try {
      const order = { certificateId, targetIds, reason: 'a renewal' }
      const held = await careful.admin.must(careful.admin.post('/api/distributions', order))
      expect(held).toMatchObject({
        kind: 'distribution.order',
        summary: { risk: { level: 'medium' }, targets: expected() },
      })
      expect(held.summary.targets[2].problem).toMatch(/old/)
      expect(held.summary.targets[0].summary).toMatch(/will not be in the new version: note/)
      expect(JSON.stringify(held)).not.toContain(CANARY)
      // Somebody writes there before it is accepted.
      await world.server.api('POST', `secret/data/certs/full/${cn}`, { data: { note: 'by hand' } })
      const { id } = await careful.admin.must(careful.admin.post('/api/users', { name: 'second admin', roles: ['admin'] }))
      const second = careful.api((await ownToken(database, id, ['read', 'manage'])).token)
      await second.post(`/api/proposals/${held.id}/accept`, {})
      const settled = await waitFor('it to be refused', async () => {
        const now = await second.must(second.get(`/api/proposals/${held.id}`))
        return now.state !== 'open' && now.state !== 'accepted' && now
      })
      expect(settled).toMatchObject({ state: 'failed', problem: { message: expect.stringContaining('full held') } })
      expect(await versions('full')).toBe(3)
    } finally {
      await careful.close()
    }
  })
})
