import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { waitFor } from '../../../dev/vault/vault-wait.ts'
import { deleteKvVersion } from '../../../plugins/vault/actions/delete-kv-version.ts'
import { destroyKvVersion } from '../../../plugins/vault/actions/destroy-kv-version.ts'
import type { Json } from '../../../src/sdk/index.ts'
import { describeReversible } from '../conformance/reversible-action.ts'
import { done, type KvWorld, kvWorld, planned, racing, undone } from './kv-secrets.ts'

const servers = await serversUnderTest()
const CANARY = 'canary-bm90IGZvciB5b3VyIGV5ZXM'
const DB = { mount: 'kv', path: 'app/db' }

for (const binary of servers) {
  describeReversible(`The deletion of versions on ${binary.product}`, async () => {
    const world = await kvWorld(binary)
    for (const password of ['one', 'two', 'three']) await world.write('app/db', { password })
    return {
      action: deleteKvVersion,
      input: { ...DB, versions: [3, 1] },
      newRun: () => world.run(),
      snapshot: async () => [await world.versions('app/db'), await world.state('app/db'), await world.fields('app/db', 1)],
      stop: () => world.stop(),
    }
  })
}

describe.each(servers)('Versions of a secret on $product', (binary) => {
  let world: KvWorld
  beforeAll(async () => {
    world = await kvWorld(binary)
  }, 120_000)
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.api('DELETE', 'kv/metadata/app/db')
    for (const number of ['one', 'two', 'three']) await world.write('app/db', { password: `${CANARY} ${number}` })
  })
  const remake = async () => {
    await world.api('DELETE', 'kv/metadata/app/db')
    for (let version = 1; version <= 3; version += 1) await world.write('app/db', { password: 'another secret' })
  }

  describe('deleted', () => {
    const plan = (versions: number[], place: object = DB) => planned(world, deleteKvVersion, { ...place, versions })
    const deleted = async (versions: number[]) => done(deleteKvVersion, await plan(versions))
    const undo = (use: Awaited<ReturnType<typeof plan>>) => undone(deleteKvVersion, use)
    const outlook = ({ ctx, steps }: Awaited<ReturnType<typeof plan>>) => deleteKvVersion.outlook!(ctx, steps)

    it('cannot be read by anybody, and all others can', async () => {
      const use = await deleted([2])
      expect(await world.versions('app/db')).toEqual({ 1: 'live', 2: 'deleted', 3: 'live' })
      expect(await deleteKvVersion.verify!(use.ctx, use.steps)).toMatchObject([
        { holds: true, artefact: 'version 2 of kv/app/db' },
      ])
      expect(JSON.stringify([use.steps, await outlook(use)])).not.toContain(CANARY)
    })

    it('are brought back with what they held, and once is enough', async () => {
      const use = await deleted([3, 2])
      await undo(use)
      await undo(use)
      expect(await world.fields('app/db')).toEqual({ password: `${CANARY} three` })
      expect(await world.versions('app/db')).toEqual({ 1: 'live', 2: 'live', 3: 'live' })
      expect(await deleteKvVersion.verifyGone!(use.ctx, use.steps)).toMatchObject([{ holds: true }, { holds: true }])
    })

    it('say beforehand which is the current one', async () => {
      const { steps } = await plan([3, 1])
      expect(steps.map(({ before }) => before)).toMatchObject([
        { version: 3, isCurrent: true },
        { version: 1, isCurrent: false },
      ])
      expect(steps[0]!.summary).toContain('everybody who reads the secret gets nothing')
    })

    it('are brought back although somebody wrote a new version since', async () => {
      const use = await deleted([3])
      await world.write('app/db', { password: 'newer' })
      await undo(use)
      expect(await world.fields('app/db')).toEqual({ password: 'newer' })
      expect(await world.fields('app/db', 3)).toEqual({ password: `${CANARY} three` })
    })

    it('need nothing more when somebody brought them back already', async () => {
      const use = await deleted([3])
      await world.api('POST', 'kv/undelete/app/db', { versions: [3] })
      await undo(use)
      expect(await world.versions('app/db')).toEqual({ 1: 'live', 2: 'live', 3: 'live' })
    })

    it('stay deleted when somebody brought them back and deleted them again', async () => {
      const use = await deleted([3])
      await world.api('POST', 'kv/undelete/app/db', { versions: [3] })
      await world.api('POST', 'kv/delete/app/db', { versions: [3] })
      expect(await outlook(use)).toMatchObject({ isPossible: false, because: expect.stringContaining('deleted it again') })
      await expect(undo(use)).rejects.toMatchObject({ code: 'conflict' })
      expect(await world.versions('app/db')).toEqual({ 1: 'live', 2: 'live', 3: 'deleted' })
    })

    it('stay deleted when somebody deleted them between the plan and its execution', async () => {
      const use = await plan([3])
      await world.api('POST', 'kv/delete/app/db', { versions: [3] })
      const remember = async (record: Json) => void Object.assign(use.steps[0]!, { record })
      await expect(deleteKvVersion.execute({ ...use.ctx, remember }, use.steps[0]!)).rejects.toMatchObject({
        code: 'target.conflict',
        message: 'version 3 of kv/app/db was deleted after this was planned, and not by this run',
      })
      expect(await outlook(use)).toMatchObject({ restores: [] })
      await undo(use)
      expect(await deleteKvVersion.verifyGone!(use.ctx, use.steps)).toMatchObject([{ holds: true }])
      expect(await world.versions('app/db')).toEqual({ 1: 'live', 2: 'live', 3: 'deleted' })
    })

    it.each([
      ['destroyed', () => world.api('POST', 'kv/destroy/app/db', { versions: [1] }), 'is destroyed'],
      ['pruned', () => prune(), 'no longer kept'],
      ['purged and made again', () => remake(), 'no longer kept'],
    ])('cannot be brought back once they are %s, which is said', async (_, meanwhile, words) => {
      const use = await deleted([1])
      await meanwhile()
      const now = await world.versions('app/db')
      expect(await outlook(use)).toMatchObject({ isPossible: false, because: expect.stringContaining(words) })
      await expect(undo(use)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining(words) })
      expect(await world.versions('app/db')).toEqual(now)
    })

    it('are nothing to undo where their deletion was refused and they are gone since', async () => {
      const use = await plan([1])
      const remember = async (record: Json) => void Object.assign(use.steps[0]!, { record })
      const ctx = racing({ ...use.ctx, remember }, () => Promise.reject(new Error('not sent')))
      await expect(deleteKvVersion.execute(ctx, use.steps[0]!)).rejects.toThrow('not sent')
      await prune()
      await undo(use)
      expect(await deleteKvVersion.verifyGone!(use.ctx, use.steps)).toMatchObject([{ holds: true }])
    })

    it('are not those of a secret that was purged and made again since', async () => {
      const use = await plan([2])
      await remake()
      await expect(deleteKvVersion.execute(use.ctx, use.steps[0]!)).rejects.toMatchObject({ code: 'target.conflict' })
      expect(await world.versions('app/db')).toEqual({ 1: 'live', 2: 'live', 3: 'live' })
    })

    it('are not said to be deleted when another that has their number may have been hit', async () => {
      const use = await plan([2])
      await remake()
      const looked = () => deleteKvVersion.verify!(use.ctx, use.steps)
      expect(await looked()).toMatchObject([{ holds: true, observed: '200, another, live' }])
      await world.api('POST', 'kv/delete/app/db', { versions: [2] })
      expect(await looked()).toMatchObject([{ holds: false, observed: '200, another, deleted' }])
    })

    it('that would end by themselves say that they will not, once they are brought back', async () => {
      await world.api('POST', 'kv/metadata/app/db', { delete_version_after: '1h' })
      await world.write('app/db', { password: 'mortal' })
      const use = await plan([4])
      expect(use.steps[0]!.before).toMatchObject({ deletesItselfAt: expect.any(String) })
      expect(await outlook(use)).toMatchObject({
        isPossible: true,
        because: expect.stringContaining('once it is brought back, the server keeps it'),
      })
      await undo(await done(deleteKvVersion, use))
      expect(await world.fields('app/db')).toEqual({ password: 'mortal' })
    })

    it('that have ended by themselves are deleted already', async () => {
      await world.api('POST', 'kv/metadata/app/db', { delete_version_after: '1s' })
      await world.write('app/db', { password: 'mortal' })
      await waitFor('the version to end', async () => (await world.fields('app/db')) === undefined)
      await expect(plan([4])).rejects.toMatchObject({ code: 'input.invalid', field: 'input.versions.0' })
    })

    it.each([
      ['a version that is not there', [4], DB, 'input.versions.0', 'target'],
      ['one that is deleted already', [2], DB, 'input.versions.0', 'deleted'],
      ['one that is destroyed', [3, 2], DB, 'input.versions.1', 'destroyed'],
      ['a secret that is not there', [1], { mount: 'kv', path: 'gone' }, 'input.versions.0', 'target'],
      ['a KV version 1 mount', [1], { mount: 'old', path: 'x' }, 'input.mount', 'target'],
    ] as const)('are not planned for %s', async (_, versions, place, field, state) => {
      if (state === 'deleted') await world.api('POST', 'kv/delete/app/db', { versions: [2] })
      if (state === 'destroyed') await world.api('POST', 'kv/destroy/app/db', { versions: [2] })
      await expect(plan([...versions], place)).rejects.toMatchObject({ field, fix: expect.any(String) })
    })

    async function prune() {
      await world.api('POST', 'kv/metadata/app/db', { max_versions: 1 })
      await world.api('POST', 'kv/config', { max_versions: 2 })
      await world.write('app/db', { password: 'newer' })
      await world.api('POST', 'kv/config', { max_versions: 0 })
    }
  })

  describe('destroyed', () => {
    const plan = (versions: number[]) => planned(world, destroyKvVersion, { ...DB, versions })

    it('are gone for good, and all others stay', async () => {
      const use = await done(destroyKvVersion, await plan([1, 3]))
      await done(destroyKvVersion, use)
      expect(await world.versions('app/db')).toEqual({ 1: 'destroyed', 2: 'live', 3: 'destroyed' })
      expect(await destroyKvVersion.verify!(use.ctx, use.steps)).toMatchObject([{ holds: true }, { holds: true }])
      await world.api('POST', 'kv/undelete/app/db', { versions: [1, 3] })
      expect(await world.fields('app/db', 3)).toBeUndefined()
    })

    it('say why there is no way back, and what must be typed', async () => {
      expect(destroyKvVersion).toMatchObject({
        irreversible: expect.stringContaining('no call brings it back'),
        severity: 'high',
      })
      expect(destroyKvVersion.mustType!({ ...DB, versions: [1] })).toBe('kv/app/db')
      const { steps } = await plan([3])
      expect(steps[0]).toMatchObject({ before: { version: 3, isCurrent: true, state: 'live' } })
    })

    it('are not those of a secret that was purged and made again since', async () => {
      const use = await plan([2])
      await remake()
      await expect(destroyKvVersion.execute(use.ctx, use.steps[0]!)).rejects.toMatchObject({ code: 'target.conflict' })
      expect(await world.versions('app/db')).toEqual({ 1: 'live', 2: 'live', 3: 'live' })
    })

    it('are not said to be gone when another that has their number may have been hit', async () => {
      const use = await plan([2])
      await remake()
      const looked = () => destroyKvVersion.verify!(use.ctx, use.steps)
      expect(await looked()).toMatchObject([{ holds: true, observed: '200, another, live' }])
      await world.api('POST', 'kv/destroy/app/db', { versions: [2] })
      expect(await looked()).toMatchObject([{ holds: false, observed: '200, another, destroyed' }])
    })

    it('are not planned twice', async () => {
      await done(destroyKvVersion, await plan([2]))
      await expect(plan([2])).rejects.toMatchObject({
        code: 'input.invalid',
        message: expect.stringContaining('destroyed already'),
      })
    })
  })

  it.each([[[]], [[0]], [[1.5]], [[1, 1]], [['1']], [Array.from({ length: 51 }, (_, at) => at + 1)]])(
    'are not %j',
    (versions) => {
      expect(deleteKvVersion.input.safeParse({ ...DB, versions }).success).toBe(false)
    },
  )
})
