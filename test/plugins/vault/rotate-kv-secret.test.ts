import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { rotateKvSecret } from '../../../plugins/vault/actions/rotate-kv-secret.ts'
import { differenceOf } from '../../../src/actions/approved.ts'
import { BrokerError } from '../../../src/sdk/index.ts'
import { describeReversible } from '../conformance/reversible-action.ts'
import { CANARY, rotationHere } from './kv-rotation.ts'
import { done, type KvWorld, kvWorld, racing, revealed } from './kv-secrets.ts'
import { DB, given, made } from './rotation-values.ts'

const servers = await serversUnderTest()

for (const binary of servers) {
  describeReversible(`The rotation of a secret on ${binary.product}`, async () => {
    const world = await kvWorld(binary)
    await world.write('app/db', { user: 'app', password: CANARY })
    await world.api('POST', 'kv/metadata/app/db', { custom_metadata: { team: 'payments' } })
    return {
      action: rotateKvSecret,
      input: rotateKvSecret.input.parse({ ...DB, fields: { password: made } }),
      newRun: () => world.run(),
      snapshot: () => world.state('app/db'),
      stop: () => world.stop(),
    }
  })
}

describe.each(servers)('The rotation of a secret on $product', (binary) => {
  let world: KvWorld
  let first: number
  const { plan, rotated, undo, madeAgain, outlook } = rotationHere(binary, (there, version) => {
    world = there
    first = version
  })

  it('gives new values to the fields named and keeps everything else', async () => {
    const { steps } = await rotated({
      password: { by: 'recipe', length: 30, alphabet: { characters: 'äbc🙂de' }, prefix: 'pw-' },
      user: { by: 'keep' },
    })
    const fields = await world.fields('app/db')
    expect(fields).toEqual({ user: 'app', password: expect.any(String), nested: { list: [1, 'two', null, true] } })
    expect(String(fields!['password'])).toMatch(/^pw-[äbc🙂de]{30}$/u)
    expect(steps[0]!.record).toEqual({
      previousVersion: first,
      newVersion: first + 1,
      writtenAt: await world.writtenAt('app/db'),
    })
  })

  it('takes a value that is given once', async () => {
    await rotated({ password: given('{"quoted": "\\u0000 <&> \u2028 🙂"}') })
    expect((await world.fields('app/db'))!['password']).toBe('{"quoted": "\\u0000 <&> \u2028 🙂"}')
  })

  it('puts the whole earlier version back, and again when it is asked twice', async () => {
    const use = await rotated({ password: made })
    await undo(use)
    await undo(use)
    expect(await world.fields('app/db')).toEqual(await world.fields('app/db', first))
    expect(await world.current('app/db')).toBe(first + 2)
    expect(await rotateKvSecret.verifyGone!(use.ctx, use.steps)).toMatchObject([
      { holds: true, observed: `200, version ${first + 2} is the current one and holds what version ${first} held` },
    ])
  })

  it('puts it back although its own writing back removed the earlier version', async () => {
    await world.api('POST', 'kv/metadata/app/few', { max_versions: 2 })
    await world.api('POST', 'kv/config', { max_versions: 2 })
    try {
      await world.write('app/few', { password: CANARY })
      const use = await done(rotateKvSecret, await plan({ password: made }, { mount: 'kv', path: 'app/few' }))
      await undo(use)
      expect(await world.fields('app/few', 1)).toBeUndefined()
      await undo(use)
      expect(await world.fields('app/few')).toEqual({ password: CANARY })
      expect(await world.current('app/few')).toBe(3)
    } finally {
      await world.api('POST', 'kv/config', { max_versions: 0 })
    }
  })

  it('works out from the target whether it wrote, when it died before it could say so', async () => {
    const before = await world.state('app/db')
    const lost = await rotated()
    delete lost.steps[0]!.record
    await undo(lost)
    expect(await world.state('app/db')).toEqual(before)
    const never = await plan({ password: made })
    await world.write('app/db', { somebody: 'else’s' })
    await undo(never)
    expect(await world.fields('app/db')).toEqual({ somebody: 'else’s' })
    await world.write('app/db', { somebody: 'else’s, later' })
    await undo(never)
    expect(await world.fields('app/db')).toEqual({ somebody: 'else’s, later' })
    expect(await rotateKvSecret.verifyGone!(never.ctx, never.steps)).toMatchObject([{ holds: true }])
  })

  it('counts a write of its own as done when the answer to it was lost', async () => {
    const use = await plan({ password: made })
    const { record } = await rotateKvSecret.execute(use.ctx, use.steps[0]!)
    expect((await rotateKvSecret.execute(use.ctx, use.steps[0]!)).record).toEqual(record)
    expect(await world.current('app/db')).toBe(first + 1)
  })

  it('writes over no version that was deleted between its plan and its execution', async () => {
    const use = await plan({ password: made })
    await world.api('DELETE', 'kv/data/app/db')
    await expect(rotateKvSecret.execute(use.ctx, use.steps[0]!)).rejects.toMatchObject({ code: 'target.conflict' })
    expect(await world.current('app/db')).toBe(first)
  })

  it('overwrites nobody who wrote between its plan and its execution', async () => {
    const use = await plan({ password: made })
    await world.write('app/db', { user: 'app', password: 'somebody else’s' })
    await expect(rotateKvSecret.execute(use.ctx, use.steps[0]!)).rejects.toMatchObject({ code: 'target.conflict' })
    expect(await world.fields('app/db')).toEqual({ user: 'app', password: 'somebody else’s' })
  })

  it('is not fooled by a secret that was purged and made again with as many versions', async () => {
    const use = await plan({ password: made })
    await madeAgain(first, (await world.fields('app/db'))!)
    await expect(rotateKvSecret.execute(use.ctx, use.steps[0]!)).rejects.toMatchObject({ code: 'target.conflict' })
    expect(await world.current('app/db')).toBe(first)
    expect(differenceOf(use.steps, (await plan({ password: made })).steps), 'what was approved').toBeDefined()
  })

  it.each([
    ['wrote', () => world.write('app/db', { somebody: 'else’s' })],
    [
      'wrote twice',
      async () => void [await world.write('app/db', { a: 1 }), await world.write('app/db', { somebody: 'else’s' })],
    ],
    ['deleted it', () => world.api('DELETE', 'kv/data/app/db')],
    ['destroyed it', () => world.api('POST', 'kv/destroy/app/db', { versions: [first + 1] })],
    ['purged it', () => world.api('DELETE', 'kv/metadata/app/db')],
    ['purged it and made it again', () => madeAgain(first + 1, { user: 'app', password: 'of a new owner' })],
    ['purged it and made it again as it was', async () => madeAgain(first + 1, (await world.fields('app/db'))!)],
  ])('is not undone over the hand of somebody who %s in between', async (_, meanwhile) => {
    const use = await rotated()
    await meanwhile()
    const before = await world.api('GET', 'kv/data/app/db')
    for (const isErased of [false, true]) {
      // The journal erases the seal of a run that is done.
      if (isErased) delete (use.steps[0] as { sealed?: unknown }).sealed
      expect(await rotateKvSecret.verify!(use.ctx, use.steps)).toMatchObject([{ holds: false }])
      expect(await outlook(use)).toMatchObject({ isPossible: false, because: expect.any(String) })
      await expect(undo(use)).rejects.toMatchObject({ code: 'conflict', fix: expect.any(String) })
      expect((await world.api('GET', 'kv/data/app/db')).body.data).toEqual(before.body.data)
      expect(await rotateKvSecret.verifyGone!(use.ctx, use.steps)).toMatchObject([{ holds: false }])
    }
  })

  it('is not proved when its version holds something else than was written, and is undone', async () => {
    const use = await plan({ password: made })
    const { client } = use.ctx
    const call: typeof client.call = (each) =>
      client.call(each.body?.['data'] ? { ...each, body: { ...each.body, data: { password: 'spoiled on its way' } } } : each)
    const { record } = await rotateKvSecret.execute({ ...use.ctx, client: { ...client, call } }, use.steps[0]!)
    use.steps[0]!.record = record!
    expect(await rotateKvSecret.verify!(use.ctx, use.steps)).toMatchObject([
      { holds: false, observed: expect.stringContaining('not what was written') },
    ])
    await undo(use)
    expect(await world.fields('app/db')).toEqual(await world.fields('app/db', first))
  })

  it('is not undone over the hand of somebody who writes in that very instant', async () => {
    const use = await rotated()
    const meanwhile = async () => void (await world.write('app/db', { somebody: 'else’s' }))
    // After it was seen that nobody had, when the earlier version is read.
    const ctx = racing(use.ctx, meanwhile, ({ query }) => query?.['version'] !== undefined)
    await expect(undo({ ...use, ctx })).rejects.toMatchObject({ code: 'conflict' })
    expect(await world.fields('app/db')).toEqual({ somebody: 'else’s' })
  })

  it.each([
    ['deleted', () => world.api('POST', 'kv/delete/app/db', { versions: [first] }), 'is deleted'],
    ['destroyed', () => world.api('POST', 'kv/destroy/app/db', { versions: [first] }), 'is destroyed'],
  ])('says that it cannot be undone once the earlier version is %s, and changes nothing', async (_, meanwhile, words) => {
    const use = await rotated()
    await meanwhile()
    const now = await world.fields('app/db')
    expect(await outlook(use)).toMatchObject({ isPossible: false, because: expect.stringContaining(words) })
    await expect(undo(use)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining(words) })
    expect(await world.fields('app/db')).toEqual(now)
  })

  it('is undone once the deleted earlier version was brought back', async () => {
    const use = await rotated()
    await world.api('POST', 'kv/delete/app/db', { versions: [first] })
    await expect(undo(use)).rejects.toMatchObject({ fix: expect.stringContaining('undelete') })
    await world.api('POST', 'kv/undelete/app/db', { versions: [first] })
    await undo(use)
    expect((await world.fields('app/db'))!['password']).toBe(CANARY)
  })

  it('says before it is done how long its undo will be possible', async () => {
    const free = await plan({ password: made })
    expect(await outlook(free)).toEqual({
      isPossible: true,
      restores: [{ target: 'kv/data/app/db', summary: expect.stringContaining(`version ${first} of kv/app/db`) }],
    })
    await world.api('POST', 'kv/metadata/app/db', { delete_version_after: '1h' })
    await world.write('app/db', { password: CANARY })
    const timed = await outlook(await plan({ password: made }))
    expect(timed).toMatchObject({ isPossible: true })
    expect(Date.parse(timed.until!) - Date.now()).toBeGreaterThan(50 * 60_000)
  })

  it('says before it is done that a secret with one version has no way back, but not where ten are kept', async () => {
    await world.api('POST', 'kv/metadata/app/db', { max_versions: 1 })
    await world.api('POST', 'kv/config', { max_versions: 1 })
    try {
      expect(await outlook(await plan({ password: made }))).toMatchObject({
        isPossible: false,
        because: expect.stringContaining('keeps only one version'),
      })
      const use = await rotated()
      await expect(undo(use)).rejects.toMatchObject({ message: expect.stringContaining('no longer kept') })
    } finally {
      await world.api('POST', 'kv/config', { max_versions: 0 })
    }
    await world.api('POST', 'kv/metadata/app/db', { max_versions: 0 })
    expect(await outlook(await plan({ password: made }))).toMatchObject({ isPossible: true })
  })

  it('shows names, lengths and versions beforehand, and no value anywhere', async () => {
    const use = await plan({ password: given(`${CANARY}-new`) })
    const shown = `${JSON.stringify(use)}${inspect(use, { depth: 20 })}`
    expect(use.steps[0]).toMatchObject({
      target: 'kv/data/app/db',
      args: { mount: 'kv', path: 'app/db', version: first, fields: ['password'] },
    })
    expect(use.steps[0]!.before).toEqual({
      version: first,
      fields: {
        user: { kind: 'text', length: 3 },
        password: { kind: 'text', length: CANARY.length },
        nested: { kind: 'object' },
      },
    })
    expect(shown).not.toContain(CANARY)
    expect(revealed(use.steps[0]!.sealed)).toContain(`${CANARY}-new`)
    expect(revealed(use.steps[0]!.sealed)).not.toContain(`"${CANARY}"`)
    await done(rotateKvSecret, use)
    expect(JSON.stringify([use.steps, await rotateKvSecret.verify!(use.ctx, use.steps), await outlook(use)])).not.toContain(
      CANARY,
    )
  })

  it('says nothing of a value in an error', async () => {
    const use = await plan({ password: given(`${CANARY}-new`) })
    await world.write('app/db', { password: CANARY })
    const refusal: unknown = await rotateKvSecret.execute(use.ctx, use.steps[0]!).catch((error) => error)
    expect(refusal).toBeInstanceOf(BrokerError)
    expect(inspect(refusal, { depth: 20, showHidden: true })).not.toContain(CANARY)
  })

  it('sends nothing once the run is somebody else’s', async () => {
    const { ctx, steps } = await plan({ password: made })
    const fenced = {
      ...ctx,
      stillMine: () => {
        throw new BrokerError('run.fenced', 'not mine')
      },
    }
    await expect(rotateKvSecret.execute(fenced, steps[0]!)).rejects.toThrow('not mine')
    await expect(rotateKvSecret.rollback(fenced, steps[0]!, undefined)).rejects.toThrow('not mine')
  })
})
