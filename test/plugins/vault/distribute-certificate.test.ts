import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { distributeCertificate } from '../../../plugins/vault/certificates/distribute-certificate.ts'
import { BrokerError } from '../../../src/sdk/index.ts'
import { makeChain } from '../../support/certificates.ts'
import { describeReversible } from '../conformance/reversible-action.ts'
import { done, type KvWorld, kvWorld, planned, racing, revealed, undone } from './kv-secrets.ts'

const servers = await serversUnderTest()
const CN = 'shop.example.com'
const AT = `app/${CN}`
const made = makeChain({ cn: CN, domains: [CN] })
const KEY = made.leaf.keyPem
const input = {
  mount: 'kv',
  path: 'app/{{ .cn }}',
  fields: { certificate: 'certificate', privateKey: 'private_key', chain: 'chain', fullchain: 'fullchain' },
  includePrivateKey: true,
  certificate: {
    cn: CN,
    domains: [CN],
    fingerprint: 'f',
    serial: '1',
    variables: {},
    certificatePem: made.leaf.pem,
    chainPem: made.chain,
    privateKeyPem: KEY,
  },
}

for (const binary of servers) {
  for (const [what, before] of [
    ['over a secret', { certificate: 'old', note: 'by hand' }],
    ['where there was none', undefined],
  ] as const) {
    describeReversible(`The distribution of a certificate ${what} on ${binary.product}`, async () => {
      const world = await kvWorld(binary)
      if (before) await world.write(AT, before)
      return {
        action: distributeCertificate,
        input: distributeCertificate.input.parse(input),
        newRun: () => world.run(),
        snapshot: async () => (before ? world.state(AT) : ((await world.fields(AT)) ?? 'none')),
        stop: () => world.stop(),
      }
    })
  }
}

describe.each(servers)('The distribution of a certificate to $product', (binary) => {
  let world: KvWorld
  let first: number
  const before = { certificate: 'old', note: 'by hand' }
  beforeAll(async () => {
    world = await kvWorld(binary)
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.api('DELETE', `kv/metadata/${AT}`)
    await world.write(AT, { older: 'x' })
    first = await world.write(AT, before)
  })

  const plan = () => planned(world, distributeCertificate, input)
  const distributed = async () => done(distributeCertificate, await plan())
  const undo = (use: Awaited<ReturnType<typeof plan>>) => undone(distributeCertificate, use)
  const outlook = ({ ctx, steps }: Awaited<ReturnType<typeof plan>>) => distributeCertificate.outlook!(ctx, steps)
  const gone = ({ ctx, steps }: Awaited<ReturnType<typeof plan>>) => distributeCertificate.verifyGone!(ctx, steps)
  const stands = ({ ctx, steps }: Awaited<ReturnType<typeof plan>>) => distributeCertificate.verify!(ctx, steps)
  /** The same name and number of versions, and another secret. */
  const madeAgain = async (versions: number, last: Record<string, unknown>) => {
    await world.api('DELETE', `kv/metadata/${AT}`)
    for (let version = 1; version <= versions; version += 1) await world.write(AT, last)
  }

  it('counts a write of its own as done when the answer to it was lost', async () => {
    const use = await plan()
    const { record } = await distributeCertificate.execute(use.ctx, use.steps[0]!)
    expect((await distributeCertificate.execute(use.ctx, use.steps[0]!)).record).toEqual(record)
    expect(await world.current(AT)).toBe(first + 1)
    expect(record).toEqual({ previousVersion: first, newVersion: first + 1, writtenAt: await world.writtenAt(AT) })
  })

  it('counts what it wrote as done, and as put back, when the answer was a refusal after all', async () => {
    const use = await plan()
    const { client } = use.ctx
    const call: typeof client.call = async (each) => {
      const answer = await client.call(each)
      if (each.body?.['data']) throw new BrokerError('target.invalid', 'the server did it and says no')
      return answer
    }
    const ctx = { ...use.ctx, client: { ...client, call } }
    const { record } = await distributeCertificate.execute(ctx, use.steps[0]!)
    expect(record).toEqual({ previousVersion: first, newVersion: first + 1, writtenAt: await world.writtenAt(AT) })
    await distributeCertificate.rollback(ctx, use.steps[0]!, record)
    expect(await world.fields(AT)).toEqual(before)
  })

  it('is not proved when its version holds something else than was written, and is put back', async () => {
    const use = await plan()
    const { client } = use.ctx
    const call: typeof client.call = (each) =>
      client.call(each.body?.['data'] ? { ...each, body: { ...each.body, data: { certificate: 'spoiled on its way' } } } : each)
    const { record } = await distributeCertificate.execute({ ...use.ctx, client: { ...client, call } }, use.steps[0]!)
    use.steps[0]!.record = record!
    expect(await stands(use)).toMatchObject([{ holds: false, observed: expect.stringContaining('not what was written') }])
    expect(await outlook(use)).toMatchObject({ isPossible: true })
    await undo(use)
    expect(await world.fields(AT)).toEqual(before)
    expect(await gone(use)).toMatchObject([{ holds: true }])
  })

  it('writes over no version that was deleted between its plan and its execution, which it could not put back', async () => {
    const use = await plan()
    await world.api('DELETE', `kv/data/${AT}`)
    await expect(distributeCertificate.execute(use.ctx, use.steps[0]!)).rejects.toMatchObject({ code: 'target.conflict' })
    expect(await world.current(AT)).toBe(first)
  })

  it('overwrites nobody who wrote between its plan and its execution', async () => {
    const use = await plan()
    await world.write(AT, { certificate: 'somebody else’s' })
    await expect(distributeCertificate.execute(use.ctx, use.steps[0]!)).rejects.toMatchObject({ code: 'target.conflict' })
    expect(await world.fields(AT)).toEqual({ certificate: 'somebody else’s' })
    await undo(use)
    expect(await world.fields(AT)).toEqual({ certificate: 'somebody else’s' })
  })

  it('is not fooled by a secret that was purged and made again with as many versions', async () => {
    const use = await plan()
    await madeAgain(first, before)
    await expect(distributeCertificate.execute(use.ctx, use.steps[0]!)).rejects.toMatchObject({ code: 'target.conflict' })
    expect(await world.current(AT)).toBe(first)
  })

  /** Somebody purges it and makes it again up to a version, once, in the instant before its next write. */
  const purgedBefore = ({ ctx, steps }: Awaited<ReturnType<typeof plan>>, versions: number, theirs: Record<string, unknown>) => {
    let isDone = false
    const meanwhile = async () => {
      if (isDone) return
      isDone = true
      await madeAgain(versions, theirs)
    }
    return { ctx: racing(ctx, meanwhile), steps }
  }
  const THEIRS = { certificate: 'of a new owner' }

  it('gives back what was purged and made again up to its version in the instant before it wrote', async () => {
    const use = purgedBefore(await plan(), first, THEIRS)
    await expect(distributeCertificate.execute(use.ctx, use.steps[0]!)).rejects.toMatchObject({
      code: 'target.conflict',
      message: expect.stringContaining(`what they wrote was written again, as version ${first + 2}`),
    })
    expect(await world.fields(AT)).toEqual(THEIRS)
    await undo(use)
    expect(await world.fields(AT), 'which undoes nothing of it').toEqual(THEIRS)
    expect(await world.current(AT)).toBe(first + 2)
    expect(await gone(use)).toMatchObject([{ holds: true }])
  })

  it('says how to write back what was purged and made again, and holds a number that the server rounds', async () => {
    const use = purgedBefore(await plan(), first, { serial: 2 ** 60 })
    await expect(distributeCertificate.execute(use.ctx, use.steps[0]!)).rejects.toMatchObject({
      code: 'target.conflict',
      message: expect.stringContaining(`their version ${first} was written over and holds a number in serial`),
      fix: expect.stringContaining(`vault kv get -mount=kv -version=${first} ${AT}`),
    })
    await expect(undo(use), 'nor is it undone to what is not there any more').rejects.toMatchObject({ code: 'conflict' })
  })

  it('says of a secret that keeps one version that it wrote over what was made again, by the age of the secret', async () => {
    await world.api('POST', 'kv/config', { max_versions: 1 })
    try {
      const use = purgedBefore(await plan(), first, THEIRS)
      await expect(distributeCertificate.execute(use.ctx, use.steps[0]!)).rejects.toMatchObject({
        code: 'target.conflict',
        message: expect.stringContaining(`their version ${first} was written over and is no longer kept`),
      })
      await world.api('DELETE', `kv/metadata/${AT}`)
      await world.write(AT, before)
      await expect(done(distributeCertificate, await plan()), 'nobody came in between').resolves.toBeDefined()
    } finally {
      await world.api('POST', 'kv/config', { max_versions: 0 })
    }
  })

  it('gives back what was purged and made again up to its version in the instant before it was undone', async () => {
    const use = await distributed()
    const late = purgedBefore(use, first + 1, THEIRS)
    await expect(undo(late)).rejects.toMatchObject({
      code: 'target.conflict',
      message: expect.stringContaining(`what they wrote was written again, as version ${first + 3}`),
    })
    expect(await world.fields(AT)).toEqual(THEIRS)
    await expect(undo(use)).rejects.toMatchObject({ code: 'conflict' })
    expect(await world.fields(AT)).toEqual(THEIRS)
  })

  it('says how to bring back what was made again in the instant before its first version was deleted', async () => {
    await world.api('DELETE', `kv/metadata/${AT}`)
    const use = await distributed()
    await expect(undo(purgedBefore(use, 1, THEIRS))).rejects.toMatchObject({
      code: 'target.conflict',
      fix: expect.stringContaining(`vault kv undelete -mount=kv -versions=1 ${AT}`),
    })
    await world.api('POST', `kv/undelete/${AT}`, { versions: [1] })
    expect(await world.fields(AT)).toEqual(THEIRS)
  })

  it('does not take for its own what somebody wrote after a purge, and which happens to hold the same', async () => {
    const use = await plan()
    const document = JSON.parse(revealed(use.steps[0]!.sealed))
    await madeAgain(first, before)
    await world.write(AT, document)
    await expect(distributeCertificate.execute(use.ctx, use.steps[0]!)).rejects.toMatchObject({ code: 'target.conflict' })
    await expect(undo(use)).rejects.toMatchObject({ code: 'conflict' })
    expect(await world.fields(AT)).toEqual(document)
  })

  it.each([
    ['wrote', () => world.write(AT, { somebody: 'else’s' })],
    ['wrote twice', async () => void [await world.write(AT, { a: 1 }), await world.write(AT, { somebody: 'else’s' })]],
    ['deleted it', () => world.api('DELETE', `kv/data/${AT}`)],
    ['destroyed it', () => world.api('POST', `kv/destroy/${AT}`, { versions: [first + 1] })],
    ['purged it', () => world.api('DELETE', `kv/metadata/${AT}`)],
    ['purged it and made it again', () => madeAgain(first + 1, { certificate: 'of a new owner' })],
    ['purged it and made it again as it was', async () => madeAgain(first + 1, (await world.fields(AT))!)],
    ['purged it and made it again with one version more', async () => madeAgain(first + 2, before)],
  ])('is not undone over the hand of somebody who %s in between', async (_, meanwhile) => {
    const use = await distributed()
    await meanwhile()
    const now = (await world.api('GET', `kv/data/${AT}`)).body.data
    expect(await outlook(use)).toMatchObject({ isPossible: false, because: expect.any(String) })
    await expect(undo(use)).rejects.toMatchObject({ code: 'conflict', fix: expect.any(String) })
    expect((await world.api('GET', `kv/data/${AT}`)).body.data).toEqual(now)
    expect(await gone(use)).toMatchObject([{ holds: false }])
    expect(await stands(use)).toMatchObject([{ holds: false }])
  })

  it.each([
    ['deleted', () => world.api('POST', `kv/delete/${AT}`, { versions: [first] }), 'is deleted'],
    ['destroyed', () => world.api('POST', `kv/destroy/${AT}`, { versions: [first] }), 'is destroyed'],
  ])('says that it cannot be undone once the earlier version is %s, and changes nothing', async (_, meanwhile, words) => {
    const use = await distributed()
    await meanwhile()
    const now = await world.fields(AT)
    expect(await outlook(use)).toMatchObject({ isPossible: false, because: expect.stringContaining(words) })
    await expect(undo(use)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining(words) })
    expect(await world.fields(AT)).toEqual(now)
  })

  it('refuses to put back a number that the server rounds', async () => {
    await world.api('POST', `kv/data/${AT}`, { data: { serial: 2 ** 60 } })
    const use = await distributed()
    expect(await outlook(use)).toMatchObject({ isPossible: false, because: expect.stringContaining('a number in serial') })
    await expect(undo(use)).rejects.toMatchObject({ code: 'conflict' })
  })

  it('says beforehand how long what was there can be put back', async () => {
    await world.api('POST', `kv/metadata/${AT}`, { delete_version_after: '1h' })
    await world.write(AT, before)
    const { until, isPossible } = await outlook(await distributed())
    expect(isPossible).toBe(true)
    expect(Date.parse(until!) - Date.now()).toBeGreaterThan(50 * 60_000)
  })

  it('says beforehand that a server which keeps one version takes the way back away', async () => {
    await world.api('POST', 'kv/config', { max_versions: 1 })
    try {
      const use = await plan()
      expect(use.steps[0]!.summary).toContain('nothing can be restored')
      await done(distributeCertificate, use)
      await expect(undo(use)).rejects.toMatchObject({ message: expect.stringContaining('no longer kept') })
    } finally {
      await world.api('POST', 'kv/config', { max_versions: 0 })
    }
  })

  it('shows fingerprints and names beforehand, and the key nowhere', async () => {
    const use = await plan()
    const secretPart = KEY.split('\n')[1]!.slice(40)
    const shown = () => `${JSON.stringify(use)}${inspect(use, { depth: 20 })}`
    expect(shown()).not.toContain(secretPart)
    await done(distributeCertificate, use)
    expect(shown()).not.toContain(secretPart)
    expect(JSON.stringify([await stands(use), await outlook(use)])).not.toContain(secretPart)
    await undo(use)
    await world.write(AT, { certificate: 'x' })
    const refusal = await distributeCertificate.execute(use.ctx, use.steps[0]!).catch((error) => error)
    expect(inspect(refusal, { depth: 20, showHidden: true })).not.toContain(secretPart)
  })
})
