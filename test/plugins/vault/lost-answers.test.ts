import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { deleteKvVersion } from '../../../plugins/vault/actions/delete-kv-version.ts'
import { rotateKvSecret } from '../../../plugins/vault/actions/rotate-kv-secret.ts'
import { updatePolicy } from '../../../plugins/vault/actions/update-policy.ts'
import { isBrokerError } from '../../../src/sdk/index.ts'
import { type KvWorld, kvWorld, planned } from './kv-secrets.ts'
import { losing } from './lost-answer.ts'

const servers = await serversUnderTest()
const DB = { mount: 'kv', path: 'app/db' }
const OLD = 'path "kv/data/app" { capabilities = ["read"] }'

describe.each(servers)('An action on $product whose answers get lost', (binary) => {
  let world: KvWorld
  beforeAll(async () => {
    world = await kvWorld(binary, {
      capabilities: ['discovery', 'grants', 'rotate-secrets', 'delete-versions', 'change-policies'],
      policies: ['team-*'],
    })
  }, 120_000)
  afterAll(() => world?.stop())

  const secret = async () => [await world.state('app/db'), await world.fields('app/db', 1)]
  const policy = async (name: string) => (await world.api('GET', `sys/policies/acl/${name}`)).body.data?.policy

  it.each([
    {
      what: 'a rotation',
      action: rotateKvSecret,
      input: { ...DB, fields: { password: { by: 'recipe' } } },
      prepare: () => world.write('app/db', { user: 'app', password: 'old' }),
      state: secret,
    },
    {
      what: 'a deletion of versions',
      action: deleteKvVersion,
      input: { ...DB, versions: [1] },
      prepare: () => world.write('app/db', { user: 'app', password: 'old' }),
      state: secret,
    },
    {
      what: 'a change of a policy',
      action: updatePolicy,
      input: { name: 'team-a', document: 'path "kv/data/app" { capabilities = ["update"] }' },
      prepare: () => world.api('POST', 'sys/policies/acl/team-a', { policy: OLD }),
      state: () => policy('team-a'),
    },
    {
      what: 'a new policy',
      action: updatePolicy,
      input: { name: 'team-new', document: 'path "kv/data/app" { capabilities = ["update"] }' },
      prepare: () => world.api('DELETE', 'sys/policies/acl/team-new'),
      state: () => policy('team-new'),
    },
  ])('is finished and undone all the same: $what', async ({ action, input, prepare, state }) => {
    for (let lost = 1; ; lost += 1) {
      await world.api('DELETE', 'kv/metadata/app/db')
      await prepare()
      const before = await state()
      const { ctx, steps } = await planned(world, action as typeof rotateKvSecret, input)
      const [step] = steps
      const forward = losing(ctx, (_call, nth) => nth === lost)
      const back = losing(ctx, (_call, nth) => nth === lost)
      const record = (await untilAnswered((again) => action.execute({ ...forward.ctx, again }, step as never))).record
      expect(await state()).not.toEqual(before)
      expect((await action.verify!(ctx, [{ ...step!, record } as never])).map(({ holds }) => holds)).toEqual([true])
      await untilAnswered(() => action.rollback(back.ctx, step as never, record))
      expect(await state()).toEqual(before)
      expect((await action.verifyGone!(ctx, [{ ...step!, record } as never])).map(({ holds }) => holds)).toEqual([true])
      if (forward.calls() < lost && back.calls() < lost) return expect(lost).toBeGreaterThan(2)
    }
  })

  it('is done by one of two rotations of a secret at once, and the other changes nothing', async () => {
    await world.write('app/db', { user: 'app', password: 'old' })
    const uses = await Promise.all(
      [1, 2, 3].map(() => planned(world, rotateKvSecret, { ...DB, fields: { password: { by: 'recipe' } } })),
    )
    const before = await world.current('app/db')
    const outcomes = await Promise.allSettled(uses.map(({ ctx, steps }) => rotateKvSecret.execute(ctx, steps[0]!)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const each of outcomes) if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'target.conflict' })
    expect(await world.current('app/db')).toBe(before + 1)
    const loser = outcomes.findIndex(({ status }) => status === 'rejected')
    await rotateKvSecret.rollback(uses[loser]!.ctx, uses[loser]!.steps[0]!, undefined)
    expect(await world.current('app/db')).toBe(before + 1)
  })
})

/** As the runner goes on: what was unreachable is tried again. */
async function untilAnswered<T>(work: (again: boolean) => Promise<T>): Promise<T> {
  try {
    return await work(false)
  } catch (error) {
    if (!isBrokerError(error, 'target.unreachable')) throw error
    return work(true)
  }
}
