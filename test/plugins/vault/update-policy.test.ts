import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ServerBinary, serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { updatePolicy } from '../../../plugins/vault/actions/update-policy.ts'
import { vaultConfig } from '../../../plugins/vault/config.ts'
import { connectVault } from '../../../plugins/vault/connection.ts'
import { sending } from '../../../plugins/vault/send.ts'
import { BrokerError } from '../../../src/sdk/index.ts'
import { describeReversible } from '../conformance/reversible-action.ts'
import { done, planned, racing, undone } from './kv-secrets.ts'
import { host, type VaultWorld, vaultWorld } from './vault-world.ts'

const servers = await serversUnderTest()
const OLD = '# said by hand\npath "kv/data/app/*" { capabilities = ["read"] }\n'
const NEW = '{"path": {"kv/data/app/*": {"capabilities": ["read", "update"]}}}'
const THEIRS = 'path "kv/data/theirs" { capabilities = ["read"] }'
// Kept by OpenBao alone; Vault takes no notice of them.
const BESIDE = {
  cas: -1,
  expiration: '2036-01-01T00:00:00Z',
  cas_required: true,
  allow_wildcards_in_identity_templates: true,
  allow_slashes_in_identity_templates: true,
}
const SETTINGS = { capabilities: ['discovery', 'grants', 'change-policies'], policies: ['team-*', 'attached'] }
const changeable = (binary: ServerBinary) => vaultWorld(SETTINGS, binary)

for (const binary of servers) {
  for (const [what, old] of [
    ['a policy', { policy: OLD, ...BESIDE }],
    ['a policy that is not there', undefined],
  ] as const) {
    describeReversible(`The change of ${what} on ${binary.product}`, async () => {
      const world = await changeable(binary)
      if (old) expect((await world.api('POST', 'sys/policies/acl/team-a', old)).status).toBe(204)
      return {
        action: updatePolicy,
        input: { name: 'team-a', document: NEW },
        newRun: () => world.run(),
        snapshot: () => stored(world, 'team-a'),
        stop: () => world.stop(),
      }
    })
  }
}

describe.each(servers)('The change of a policy on $product', (binary) => {
  let world: VaultWorld
  beforeAll(async () => {
    world = await changeable(binary)
  }, 120_000)
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.api('DELETE', 'sys/policies/acl/team-a')
    expect((await world.api('POST', 'sys/policies/acl/team-a', { policy: OLD, ...BESIDE })).status).toBe(204)
  })

  const plan = (name = 'team-a', document = NEW) => planned(world, updatePolicy, { name, document })
  const changed = async () => done(updatePolicy, await plan())
  const outlook = ({ ctx, steps }: Awaited<ReturnType<typeof plan>>) => updatePolicy.outlook!(ctx, steps)
  const byHand = async (name: string, policy: string) => {
    const { version } = (await world.api('GET', `sys/policies/acl/${name}`)).body.data ?? {}
    const answer = await world.api('POST', `sys/policies/acl/${name}`, { policy, ...(version && { cas: version }) })
    expect(answer.status).toBeLessThan(300)
  }

  it('replaces the document for tokens that live already, and keeps what stands beside it', async () => {
    const token: string = (await world.api('POST', 'auth/token/create', { policies: ['team-a'] })).body.auth.client_token
    const writes = async () => (await world.api('POST', 'kv/data/app/x', { data: { a: 1 } }, { 'x-vault-token': token })).status
    await world.api('POST', 'kv/data/app/x', { data: { a: 0 } })
    const before = await stored(world, 'team-a')
    expect(await writes()).toBe(403)
    const use = await changed()
    expect(await writes()).toBe(200)
    expect(await stored(world, 'team-a')).toEqual({ ...Object(before), policy: NEW })
    expect(await updatePolicy.verify!(use.ctx, use.steps)).toMatchObject([{ holds: true, artefact: 'policy team-a' }])
    await undone(updatePolicy, use)
    expect(await writes()).toBe(403)
    expect(await stored(world, 'team-a')).toEqual(before)
  })

  it('shows what stands there before, and keeps it for the way back', async () => {
    const use = await plan()
    const before = { document: OLD, ...(binary.product === 'openbao' && { expiration: BESIDE.expiration, casRequired: true }) }
    expect(use.steps[0]).toMatchObject({ target: 'sys/policies/acl/team-a', before, args: { replaces: before } })
    expect(await outlook(use)).toMatchObject({
      isPossible: true,
      restores: [{ summary: expect.stringContaining('former document') }],
      ...(binary.product === 'openbao' ? { until: BESIDE.expiration } : { because: expect.stringContaining('no check-and-set') }),
    })
    await done(updatePolicy, use)
    expect(use.steps[0]!.record).toMatchObject({ replaced: before })
  })

  it('overwrites nobody who changed it between plan and execution', async () => {
    const use = await plan()
    await byHand('team-a', THEIRS)
    await expect(done(updatePolicy, use)).rejects.toMatchObject({ code: 'target.conflict' })
    await undone(updatePolicy, use)
    expect(await stored(world, 'team-a')).toMatchObject({ policy: THEIRS })
    expect(await updatePolicy.verifyGone!(use.ctx, use.steps)).toMatchObject([{ holds: true }])
  })

  it('overwrites nobody who makes it between plan and execution', async () => {
    const use = await plan('team-new')
    await byHand('team-new', THEIRS)
    await expect(done(updatePolicy, use)).rejects.toMatchObject({ code: 'target.conflict' })
    await undone(updatePolicy, use)
    expect(await stored(world, 'team-new')).toMatchObject({ policy: THEIRS })
    await world.api('DELETE', 'sys/policies/acl/team-new')
  })

  it('is kept from overwriting by the server itself where it has check-and-set', async () => {
    if (binary.product !== 'openbao') return
    const use = await plan()
    await expect(done(updatePolicy, { ...use, ctx: racing(use.ctx, () => byHand('team-a', THEIRS)) })).rejects.toMatchObject({
      code: 'target.conflict',
    })
    expect(await stored(world, 'team-a')).toMatchObject({ policy: THEIRS })
  })

  it('leaves a change by somebody else alone when it is undone', async () => {
    const use = await changed()
    await byHand('team-a', THEIRS)
    expect(await outlook(use)).toMatchObject({ isPossible: false, because: expect.stringContaining('changed the policy') })
    await expect(undone(updatePolicy, use)).rejects.toMatchObject({ code: 'conflict', fix: expect.any(String) })
    expect(await stored(world, 'team-a')).toMatchObject({ policy: THEIRS })
    expect(await updatePolicy.verifyGone!(use.ctx, use.steps)).toMatchObject([{ holds: false }])
  })

  it('makes no policy again that somebody removed since', async () => {
    const use = await changed()
    await world.api('DELETE', 'sys/policies/acl/team-a')
    expect(await outlook(use)).toMatchObject({ isPossible: false, because: expect.stringContaining('removed') })
    await expect(undone(updatePolicy, use)).rejects.toMatchObject({ code: 'conflict' })
    expect((await world.api('GET', 'sys/policies/acl/team-a')).status).toBe(404)
  })

  it('removes no policy of its name that somebody rewrote since', async () => {
    const use = await done(updatePolicy, await plan('team-new'))
    expect(await outlook(use)).toMatchObject({ isPossible: true, because: expect.stringContaining('remove policies without') })
    await byHand('team-new', THEIRS)
    await expect(undone(updatePolicy, use)).rejects.toMatchObject({ code: 'conflict' })
    expect(await stored(world, 'team-new')).toMatchObject({ policy: THEIRS })
    await world.api('DELETE', 'sys/policies/acl/team-new')
  })

  it('is nothing to undo when somebody put the old document back by hand', async () => {
    const use = await changed()
    await byHand('team-a', OLD)
    if (binary.product === 'openbao') return expect(undone(updatePolicy, use)).rejects.toMatchObject({ code: 'conflict' })
    await undone(updatePolicy, use)
    expect(await stored(world, 'team-a')).toMatchObject({ policy: OLD })
  })

  it('passes on what the server says of a document that it cannot read, and changes nothing', async () => {
    const before = await stored(world, 'team-a')
    const use = await plan('team-a', 'path "kv/*" { capabilities = ["read" }')
    await expect(done(updatePolicy, use)).rejects.toMatchObject({
      code: 'target.invalid',
      field: 'input.document',
      message: expect.stringContaining('failed to parse policy'),
    })
    await undone(updatePolicy, use)
    expect(await stored(world, 'team-a')).toEqual(before)
  })

  it.each([
    ['the broker’s own', 'latchkey-broker', 'broker’s own'],
    ['one of a grant', 'apono-g-abc', 'belongs to a grant'],
    ['root', 'root', 'belongs to the server itself'],
    ['default', 'default', 'not in the list of policies that this integration may change'],
    ['one that the integration does not name', 'other', 'not in the list of policies that this integration may change'],
  ])('is not planned for %s', async (_, name, words) => {
    await expect(plan(name)).rejects.toMatchObject({
      code: 'input.invalid',
      field: 'input.name',
      message: expect.stringContaining(words),
      fix: expect.any(String),
    })
  })

  it('is not done to a policy that the broker’s own token has, whatever its name', async () => {
    await world.api('POST', 'sys/policies/acl/attached', { policy: OLD })
    const use = await plan('attached')
    const made = await world.api('POST', 'auth/token/create', { policies: ['latchkey-broker', 'attached'], ttl: '1h' })
    const auth = { method: 'token', token: made.body.auth.client_token }
    const { address } = world.server
    const client = await connectVault(vaultConfig.parse({ ...SETTINGS, address, auth }), host())
    const ctx = { ...use.ctx, client }
    try {
      await expect(updatePolicy.plan(ctx, { name: 'attached', document: NEW })).rejects.toMatchObject({
        field: 'input.name',
        message: expect.stringContaining('own token'),
      })
      await expect(updatePolicy.execute(ctx, use.steps[0]!)).rejects.toMatchObject({ field: 'input.name' })
      expect(await stored(world, 'attached')).toMatchObject({ policy: OLD })
    } finally {
      await client.close()
    }
  })

  it('could not change its own policy under any spelling, were it told to', async () => {
    const send = sending(world.client, new AbortController().signal, 'background')
    for (const name of ['latchkey-broker', 'Latchkey-Broker', 'latchkey-broker ', 'LATCHKEY-BROKER', 'other', 'team']) {
      const path = ['sys/policies/acl', name]
      await expect(send({ method: 'POST', path, body: { policy: NEW } })).rejects.toMatchObject({ code: 'target.denied' })
    }
  })

  it('is not planned where nothing would change', async () => {
    await expect(plan('team-a', OLD)).rejects.toMatchObject({ code: 'input.invalid', field: 'input.document' })
  })

  it('sends nothing once the run is somebody else’s', async () => {
    const use = await plan()
    const stillMine = () => {
      throw new BrokerError('run.fenced', 'not mine')
    }
    await expect(done(updatePolicy, { ...use, ctx: { ...use.ctx, stillMine } })).rejects.toThrow('not mine')
  })
})

describe('A change of a policy', () => {
  it.each([
    ['an upper-case name', { name: 'Team-A', document: NEW }],
    ['a name with a slash', { name: 'team-a/../root', document: NEW }],
    ['a name with a star', { name: 'team-*', document: NEW }],
    ['a name with a space behind', { name: 'team-a ', document: NEW }],
    ['an empty document', { name: 'team-a', document: '' }],
    [
      'a document that is encoded, which a server would decode',
      { name: 'team-a', document: Buffer.from(OLD).toString('base64') },
    ],
    [
      'an escape that servers break off at',
      { name: 'team-a', document: '{"path": {"kv/\\ud83d\\ude00": {"capabilities": ["read"]}}}' },
    ],
    ['half a character', { name: 'team-a', document: `${NEW}\ud800` }],
    ['something it does not know', { name: 'team-a', document: NEW, force: true }],
  ])('does not take %s', (_, input) => {
    expect(updatePolicy.input.safeParse(input).success).toBe(false)
  })

  const settings = (policies: string[], more: object = {}) =>
    vaultConfig.safeParse({
      address: 'https://vault.example.com',
      auth: { method: 'token', token: 'x' },
      capabilities: ['change-policies'],
      policies,
      ...more,
    })

  it.each([
    ['no policy', []],
    ['everything', ['*']],
    ['the broker’s own policy', ['latchkey-broker']],
    ['the broker’s own policy among others', ['latchkey-*']],
    ['policies of grants', ['apono-g-x']],
    ['policies of grants among others', ['apono-*']],
    ['root', ['root']],
    ['root among others', ['ro*']],
    ['a star in the middle', ['team-*-x']],
    ['upper case', ['Team']],
  ])('cannot be allowed for %s', (_, policies) => {
    expect(settings(policies).error?.issues.map(({ path }) => path[0])).toContain('policies')
  })

  it('can be allowed for names, and for beginnings of names', () => {
    expect(settings(['team-*', 'lone.policy_1']).success).toBe(true)
  })
})

/** What the server keeps of a policy, but for the number and time of its writing. */
async function stored({ api }: VaultWorld, name: string): Promise<unknown> {
  const { version: _, modified: __, ...kept } = (await api('GET', `sys/policies/acl/${name}`)).body.data ?? {}
  return kept
}
