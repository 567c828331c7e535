import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { waitFor } from '../../../dev/vault/vault-wait.ts'
import { rotateKvSecret } from '../../../plugins/vault/actions/rotate-kv-secret.ts'
import { distributeCertificate } from '../../../plugins/vault/certificates/distribute-certificate.ts'
import { makeChain } from '../../support/certificates.ts'
import { done, type KvWorld, kvWorld, planned, racing, type Use, undone } from './kv-secrets.ts'
import { DB, made } from './rotation-values.ts'

const CN = 'shop.example.com'
const chain = makeChain({ cn: CN, domains: [CN] })
const CERTIFICATE = {
  mount: 'kv',
  path: 'app/db',
  fields: { certificate: 'certificate', privateKey: 'private_key', chain: 'chain', fullchain: 'fullchain' },
  includePrivateKey: false,
  certificate: { cn: CN, domains: [CN], fingerprint: 'f', serial: '1', variables: {}, certificatePem: chain.leaf.pem },
}

describe.each(await serversUnderTest())('A write of a secret on $product that meets another hand', (binary) => {
  let world: KvWorld
  beforeAll(async () => {
    world = await kvWorld(binary)
  }, 120_000)
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.api('DELETE', 'kv/metadata/app/db')
    await world.write('app/db', { password: 'the first' })
    await world.write('app/db', { password: 'the second' })
  })

  const theirs = (round: number, version: number) => ({ password: `of the new owner, round ${round}, version ${version}` })
  const madeAgain = async (round: number, versions: number) => {
    await world.api('DELETE', 'kv/metadata/app/db')
    for (let version = 1; version <= versions; version += 1) await world.write('app/db', theirs(round, version))
  }
  const deleted = () => world.api('DELETE', 'kv/data/app/db')
  const rotation = () => planned(world, rotateKvSecret, { ...DB, fields: { password: made } })
  /** Somebody does something right before calls: `1` is the first that changes something, and `1.1` the first look after it. */
  const meeting = <U extends Pick<Use<never>, 'ctx'>>(use: U, hands: Readonly<Record<string, () => Promise<unknown>>>): U => {
    let [writes, reads] = [0, 0]
    let next = ''
    const isMeant = ({ method }: { method: string }) => {
      if (method === 'GET') reads += 1
      else [writes, reads] = [writes + 1, 0]
      next = reads === 0 ? `${writes}` : `${writes}.${reads}`
      return next in hands
    }
    return { ...use, ctx: racing(use.ctx, async () => void (await hands[next]!()), isMeant) }
  }
  const execute = ({ ctx, steps }: Awaited<ReturnType<typeof rotation>>) => rotateKvSecret.execute(ctx, steps[0]!)
  const stands = async () => (await world.api('GET', 'kv/data/app/db')).body.data

  it('gives back the last of what was made again twice', async () => {
    const use = meeting(await rotation(), { 1: () => madeAgain(1, 2), 2: () => madeAgain(2, 3) })
    await expect(execute(use)).rejects.toMatchObject({
      code: 'target.conflict',
      message: expect.stringContaining('what they wrote was written again, as version 5'),
    })
    expect(await stands()).toMatchObject({ data: theirs(2, 3), metadata: { version: 5 } })
  })

  it('leaves alone what was made again after it wrote', async () => {
    await execute(meeting(await rotation(), { '1.1': () => madeAgain(1, 3) }))
    expect(await stands()).toMatchObject({ data: theirs(1, 3), metadata: { version: 3 } })
  })

  it('leaves alone what was made again after it looked what it wrote over', async () => {
    await execute(meeting(await rotation(), { 1: () => madeAgain(1, 2), '1.2': () => madeAgain(2, 3) }))
    expect(await stands()).toMatchObject({ data: theirs(2, 3), metadata: { version: 3 } })
  })

  it('deletes its own version when what was made again was deleted in that instant', async () => {
    const gone = async () => [await madeAgain(1, 2), await deleted()]
    await expect(execute(meeting(await rotation(), { 1: gone }))).rejects.toMatchObject({
      code: 'target.conflict',
      message: expect.stringContaining('version 3 was deleted, too'),
    })
    expect(await world.versions('app/db')).toEqual({ 1: 'live', 2: 'deleted', 3: 'deleted' })
  })

  it('says how to see what was made again, and was deleted only after it wrote', async () => {
    const use = meeting(await rotation(), {
      1: () => madeAgain(1, 2),
      '1.1': () => world.api('POST', 'kv/delete/app/db', { versions: [2] }),
    })
    await expect(execute(use)).rejects.toMatchObject({
      message: expect.stringContaining('their version 2 was written over and is deleted'),
      fix: expect.stringContaining('vault kv undelete -mount=kv -versions=2 app/db'),
    })
    expect(await world.versions('app/db')).toMatchObject({ 3: 'live' })
  })

  it('names no command for what was made again and destroyed', async () => {
    const gone = async () => [await madeAgain(1, 2), await world.api('POST', 'kv/destroy/app/db', { versions: [2] })]
    await expect(execute(meeting(await rotation(), { 1: gone }))).rejects.toMatchObject({
      message: expect.stringContaining('their version 2 was written over and is destroyed'),
      fix: expect.stringMatching(/^ask the person who made kv\/app\/db again/),
    })
  })

  it('leaves deleted what was deleted in that instant, and has nothing to undo', async () => {
    const use = await rotation()
    const remembered: unknown[] = []
    const ctx = { ...use.ctx, remember: async (record: unknown) => void remembered.push(record) }
    await expect(execute(meeting({ ...use, ctx }, { 1: deleted }))).rejects.toMatchObject({
      message: expect.stringContaining('somebody deleted version 2 of kv/app/db in the instant before version 3 was written'),
    })
    Object.assign(use.steps[0]!, { record: remembered.at(-1) })
    await undone(rotateKvSecret, use)
    expect(await rotateKvSecret.verifyGone!(use.ctx, use.steps)).toMatchObject([
      { holds: true, observed: expect.stringContaining('version 3 is deleted, as version 2 was before it') },
    ])
    expect(await world.versions('app/db')).toEqual({ 1: 'live', 2: 'deleted', 3: 'deleted' })
  })

  it('says how to bring back what was made again in the instant before it deleted its own', async () => {
    await expect(execute(meeting(await rotation(), { 1: deleted, 2: () => madeAgain(1, 3) }))).rejects.toMatchObject({
      fix: expect.stringContaining('vault kv undelete -mount=kv -versions=3 app/db'),
    })
    await world.api('POST', 'kv/undelete/app/db', { versions: [3] })
    expect((await stands()).data).toEqual(theirs(1, 3))
  })

  it('does not give back over what somebody wrote in the instant before that', async () => {
    const third = () => world.write('app/db', { password: 'a third hand' })
    await expect(execute(meeting(await rotation(), { 1: () => madeAgain(1, 2), 2: third }))).rejects.toMatchObject({
      message: expect.stringContaining('their version 2 was written over and is not the one before the current one any more'),
      fix: expect.stringContaining('vault kv get -mount=kv -version=2 app/db'),
    })
    expect(await stands()).toMatchObject({ data: { password: 'a third hand' }, metadata: { version: 4 } })
  })

  it('advises no undelete of a version that is not the one that was there before', async () => {
    const use = await done(rotateKvSecret, await rotation())
    await madeAgain(1, 2)
    await deleted()
    await world.write('app/db', theirs(1, 3))
    const record = { previousVersion: 2, newVersion: 3, writtenAt: await world.writtenAt('app/db') }
    Object.assign(use.steps[0]!, { record })
    await expect(undone(rotateKvSecret, use)).rejects.toMatchObject({
      message: expect.stringContaining('version 2 of kv/app/db is not the version that was there before'),
      fix: 'write by hand what should be there',
    })
  })

  it('quotes a name that a shell would read otherwise', async () => {
    const place = { mount: 'kv', path: 'app/it’s $HOME & "more"' }
    await world.write(place.path, { password: 'old' })
    const use = await done(rotateKvSecret, await planned(world, rotateKvSecret, { ...place, fields: { password: made } }))
    await world.api('POST', `kv/delete/${place.path.split('/').map(encodeURIComponent).join('/')}`, { versions: [1] })
    await expect(undone(rotateKvSecret, use)).rejects.toMatchObject({
      fix: expect.stringContaining(`vault kv undelete -mount=kv -versions=1 '${place.path}'`),
    })
  })

  it('gives back what somebody brought back in the instant before a certificate was written over it', async () => {
    await deleted()
    const use = await planned(world, distributeCertificate, CERTIFICATE)
    const { ctx, steps } = meeting(use, { 1: () => world.api('POST', 'kv/undelete/app/db', { versions: [2] }) })
    await expect(distributeCertificate.execute(ctx, steps[0]!)).rejects.toMatchObject({
      code: 'target.conflict',
      message: expect.stringMatching(/brought version 2 of kv\/app\/db back .* what it holds was written again, as version 4/),
    })
    const back = { data: { password: 'the second' }, metadata: { version: 4 } }
    expect(await stands()).toMatchObject(back)
    await undone(distributeCertificate, use)
    expect(await stands(), 'nothing is left to undo').toMatchObject(back)
    expect(await distributeCertificate.verifyGone!(use.ctx, use.steps)).toMatchObject([{ holds: true }])
  })

  it('gives back once what was sent twice, for the answer to the first was lost', async () => {
    const { ctx, steps } = meeting(await rotation(), { 1: () => madeAgain(1, 2) })
    let writes = 0
    const call: typeof ctx.client.call = async (each) => {
      writes += each.method === 'POST' ? 1 : 0
      if (each.method === 'POST' && writes === 2) await ctx.client.call(each)
      return ctx.client.call(each)
    }
    await expect(
      rotateKvSecret.execute({ ...ctx, client: { ...ctx.client, call } as typeof ctx.client }, steps[0]!),
    ).rejects.toMatchObject({ message: expect.stringContaining('what they wrote was written again, as version 4') })
    expect(await stands()).toMatchObject({ data: theirs(1, 2), metadata: { version: 4 } })
  })

  it('is written over a deleted version that was destroyed in that instant, for nothing was lost by it', async () => {
    await deleted()
    const use = await planned(world, distributeCertificate, CERTIFICATE)
    const destroyed = () => world.api('POST', 'kv/destroy/app/db', { versions: [2] })
    await done(distributeCertificate, meeting(use, { 1: destroyed }))
    expect(await world.versions('app/db')).toEqual({ 1: 'live', 2: 'destroyed', 3: 'live' })
  })

  it('takes a certificate back over a version that was brought back later', async () => {
    await deleted()
    const use = await done(distributeCertificate, await planned(world, distributeCertificate, CERTIFICATE))
    await world.api('POST', 'kv/undelete/app/db', { versions: [2] })
    await undone(distributeCertificate, use)
    expect(await world.versions('app/db')).toEqual({ 1: 'live', 2: 'live', 3: 'deleted' })
  })

  it('stays where the version before it ended by itself in that instant, as it was to', async () => {
    await world.api('POST', 'kv/metadata/app/db', { delete_version_after: '3s' })
    await world.write('app/db', { password: 'mortal' })
    await world.api('POST', 'kv/metadata/app/db', { delete_version_after: '0s' })
    const ended = () => waitFor('the version to end', async () => (await stands()).data === null)
    await done(rotateKvSecret, meeting(await rotation(), { 1: ended }))
    expect((await stands()).metadata).toMatchObject({ version: 4, deletion_time: '' })
  })

  it('says what became of what was made again and deleted, when somebody has written since', async () => {
    const since = async () => {
      await world.api('POST', 'kv/delete/app/db', { versions: [2] })
      await world.write('app/db', { password: 'a third hand' })
    }
    await expect(execute(meeting(await rotation(), { 1: () => madeAgain(1, 2), '1.1': since }))).rejects.toMatchObject({
      message: expect.stringContaining('their version 2 was written over and is deleted'),
      fix: expect.stringContaining('vault kv undelete -mount=kv -versions=2 app/db'),
    })
    expect((await stands()).data).toEqual({ password: 'a third hand' })
  })

  it('says of what was made again that its own version over it was deleted since', async () => {
    await expect(execute(meeting(await rotation(), { 1: () => madeAgain(1, 2), '1.1': deleted }))).rejects.toMatchObject({
      message: expect.stringContaining('their version 2 was written over, and version 3 after it was deleted since'),
      fix: expect.stringContaining('vault kv get -mount=kv -version=2 app/db'),
    })
  })
})
