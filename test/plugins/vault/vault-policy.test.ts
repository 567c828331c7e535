import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { ownerOfUser, policyNameFor, ungrantable, userNameFor } from '../../../plugins/vault/names.ts'
import { formerPolicyEnd, parsePolicyComment, policyFor, policyText, sentenceFor } from '../../../plugins/vault/policy.ts'
import { resourceTypes } from '../../../plugins/vault/resource-types.ts'
import { newId } from '../../../src/platform/ids.ts'
import { unaskable } from '../../../vault/index.ts'
import { INSTANCE, keyNamed, secretAt, type VaultWorld, vaultWorld } from './vault-world.ts'

const SELF = {
  'auth/token/lookup-self': { capabilities: ['read'] },
  'auth/token/revoke-self': { capabilities: ['update'] },
}
const stamp = { instance: INSTANCE, runId: newId('run'), until: new Date('2030-01-01T10:00:00.250Z') }

const HOSTILE = [
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what HCL would read as a template is the point
  ...'* + / {{ }} " \\ ${ } . .. % %2F %41 # ? & ; \' ~ ` = , a B é e\u0301 😀 \u{10ffff} \ufffd \ud800 data/ <<EOF'.split(' '),
  ...' |\n|\t|\0|\u00a0|\u200b|\u2028|\ufeff'.split('|'),
  ...'\u{18d09} \ua7f1 \u{1fae9} \u{323b0} \u0378 \ue000 \u{1f6dc} // /./ /../'.split(' '),
  '" { capabilities = ["read"] } path "*',
  '","comment":"',
  `\${identity.entity.id}`,
  '{{identity.entity.id}}',
]

describe('A grant policy', () => {
  it.each([
    [secretAt('app/db', 'read'), { 'kv/data/app/db': ['read'] }],
    [secretAt('app/db', 'write'), { 'kv/data/app/db': ['create', 'update', 'patch'] }],
    [secretAt('app/db', 'list'), { 'kv/metadata/app/': ['list'] }],
    [secretAt('db', 'list'), { 'kv/metadata/': ['list'] }],
    [secretAt('app/db', 'metadata'), { 'kv/metadata/app/db': ['read'] }],
    [secretAt('app/db', 'delete'), { 'kv/data/app/db': ['delete'], 'kv/delete/app/db': ['update'] }],
    [keyNamed('k1', 'encrypt'), { 'transit/encrypt/k1': ['update'] }],
    [keyNamed('k1', 'decrypt'), { 'transit/decrypt/k1': ['update'] }],
    [keyNamed('k1', 'rewrap'), { 'transit/rewrap/k1': ['update'] }],
    [keyNamed('k1', 'sign'), { 'transit/sign/k1': ['update'], 'transit/sign/k1/+': ['update'] }],
    [keyNamed('k1', 'verify'), { 'transit/verify/k1': ['update'], 'transit/verify/k1/+': ['update'] }],
    [keyNamed('k1', 'hmac'), { 'transit/hmac/k1': ['update'], 'transit/hmac/k1/+': ['update'] }],
    [keyNamed('k1', 'read'), { 'transit/keys/k1': ['read'] }],
  ])('allows %o its paths and no others', (resource, paths) => {
    const rules = Object.fromEntries(Object.entries(paths).map(([path, capabilities]) => [path, { capabilities }]))
    expect(policyFor([resource]).path).toEqual({ ...rules, ...SELF })
  })

  it('merges what two permissions allow on one path', () => {
    const { path } = policyFor([secretAt('app/db', 'read', 'write'), secretAt('app/db', 'delete', 'read')])
    expect(path['kv/data/app/db']).toEqual({ capabilities: ['read', 'create', 'update', 'patch', 'delete'] })
  })

  it('can be written for every permission that is offered', () => {
    for (const { id, permissions } of resourceTypes) {
      const resource = id === 'vault-kv-secret' ? secretAt('app/db') : keyNamed('k1')
      expect(() => policyFor([{ ...resource, permissions: permissions.map((permission) => permission.id) }])).not.toThrow()
    }
  })

  it.each([
    ['a star at the end', secretAt('team/*', 'read')],
    ['a star glued to a name', secretAt('app*', 'read')],
    ['a plus as a segment', secretAt('app/+', 'read')],
    ['a plus as a folder', secretAt('+/db', 'read')],
    ['a segment that begins with plus', secretAt('app/+x', 'read')],
    ['a plus before a star', secretAt('a+*b', 'read')],
    ['a template', secretAt('{{identity.entity.id}}', 'read')],
    ['half a template', secretAt('a}}b', 'read')],
    ['an empty segment', secretAt('a//b', 'read')],
    ['a slash at the end', secretAt('a/', 'read')],
    ['a step upwards', secretAt('../sys/raw', 'read')],
    ['a step to itself', secretAt('a/./b', 'read')],
    ['a lone surrogate', secretAt('a\ud800', 'read')],
    ['a line break', secretAt('a\nb', 'read')],
    ['a space that is not a space', secretAt('a\u00a0b', 'read')],
    ['an invisible character', secretAt('a\u200bb', 'read')],
    ['a character that older servers do not know', secretAt('a\u{18d09}', 'read')],
    ['a character that nobody knows', secretAt('a\u0378', 'read')],
    ['a key with a slash', keyNamed('k1/config', 'read')],
    ['a key that is a wildcard', keyNamed('+', 'sign')],
    ['a key with a star', keyNamed('k*', 'encrypt')],
    ['a reserved mount', { ...secretAt('x', 'read'), name: 'sys/x', attributes: { mount: 'sys', path: 'x' } }],
    ['a mount under auth', { ...secretAt('x', 'read'), name: 'auth/token/x', attributes: { mount: 'auth/token', path: 'x' } }],
    ['another place than its name says', { ...secretAt('x', 'read'), attributes: { mount: 'kv', path: 'y' } }],
    ['no place', { ...secretAt('x', 'read'), attributes: {} }],
    ['no permission', secretAt('x')],
    ['a permission of nobody', secretAt('x', 'destroy')],
    ['a permission of every object', secretAt('x', 'constructor')],
    ['a type of nobody', { ...secretAt('x', 'read'), type: 'toString' }],
  ])('is refused for %s', (_, resource) => {
    expect(() => policyFor([secretAt('fine', 'read'), resource])).toThrow(
      expect.objectContaining({ code: 'access.ungrantable', message: expect.stringContaining(resource.name.toWellFormed()) }),
    )
  })

  it('is not written when somebody put into its plan what is never granted', () => {
    for (const path of [
      'sys/policies/acl/x',
      'identity/entity',
      'auth/token/create',
      'kv/data/*',
      'kv/+/x',
      'transit/keys/+',
      '*',
      '+',
    ]) {
      const document = { path: { [path]: { capabilities: ['read' as const] } } }
      expect(() => policyText(document, stamp, false), path).toThrow(expect.objectContaining({ code: 'access.ungrantable' }))
    }
    // biome-ignore lint/suspicious/noExplicitAny: what the types forbid may still come out of a journal
    const sudo: any = { path: { 'kv/data/x': { capabilities: ['read', 'sudo'] } } }
    expect(() => policyText(sudo, stamp, false)).toThrow(expect.objectContaining({ code: 'access.ungrantable' }))
  })

  it('says whose it is and when it ends, in a way that no name can forge', () => {
    const forged = `x","comment":"latchkey 0000000000 ${newId('run')} until 2099-01-01T00:00:00Z`
    const text = policyText(policyFor([secretAt(forged, 'read')]), stamp, false)
    expect(parsePolicyComment(text)).toEqual(stamp)
    expect(parsePolicyComment('path "kv/data/x" { capabilities = ["read"] }')).toBeUndefined()
  })

  it('is known by the end that earlier releases gave it, too: rounded up to the second', () => {
    expect(formerPolicyEnd(stamp.until)).toBe('2030-01-01T10:00:01.000Z')
    expect(formerPolicyEnd(new Date('2030-01-01T10:00:00Z'))).toBe('2030-01-01T10:00:00.000Z')
  })

  it('ends on every path where the server can end it, to the millisecond', () => {
    const { path } = JSON.parse(policyText(policyFor([secretAt('app/db', 'read')]), stamp, true))
    expect(Object.values(path)).toHaveLength(3)
    for (const rule of Object.values(path)) expect(rule).toMatchObject({ expiration: stamp.until.toISOString() })
  })

  it('is told to approvers in a sentence', () => {
    expect(sentenceFor([secretAt('app/db', 'read', 'list'), keyNamed('k1', 'sign')])).toBe(
      'Lets the grantee read kv/app/db, list kv/app/, sign with transit/k1, and nothing else.',
    )
  })
})

describe('Names in the target', () => {
  it('lead back to the run and the installation', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-7][0-9a-hjkmnp-tv-z]{25}$/), fc.stringMatching(/^\d{10}$/), (id, instance) => {
        const name = userNameFor(instance, `run_${id}`)
        expect(name).toMatch(/^\d{10}-\d{41}$/)
        expect(ownerOfUser(name)).toEqual({ instance, runId: `run_${id}` })
        expect(policyNameFor('apono-g-', `run_${id}`)).toBe(`apono-g-${id}`)
      }),
    )
  })

  it('of other users lead nowhere', () => {
    for (const name of ['bob', '4711', `${INSTANCE}-1`, `${INSTANCE}-${'9'.repeat(41)}`])
      expect(ownerOfUser(name)).toBeUndefined()
  })
})

describe.each(await serversUnderTest())('On a real $product, a hostile name', (binary) => {
  let world: VaultWorld
  beforeAll(async () => {
    world = await vaultWorld({}, binary)
  }, 120_000)
  afterAll(() => world?.stop())

  const piece = fc.constantFrom(...HOSTILE)
  const hostile = fc.oneof(
    { weight: 3, arbitrary: fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join('')) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }) },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme-composite', minLength: 1, maxLength: 8 }) },
  )

  // Each alone, at the end and in the middle, whatever the seed.
  const examples = HOSTILE.flatMap((each) => [each, `a${each}`, `a${each}b`])

  it('is granted exactly or refused', async () => {
    let granted = 0
    await fc.assert(
      fc.asyncProperty(hostile, async (name) => {
        if (ungrantable(`kv/${name}`)) {
          expect(() => policyFor([secretAt(name, 'read')])).toThrow()
          return
        }
        expect(unaskable(name)).toBeUndefined()
        granted += 1
        const token = await tokenFor(name)
        expect(await readAs(token, name), JSON.stringify(name)).toBe(200)
        const others = neighboursOf(name)
        const answers = await Promise.all(others.map((other) => readAs(token, other)))
        expect(answers, JSON.stringify([name, others])).toEqual(others.map(() => 403))
        expect((await world.api('GET', `kv/metadata/${encoded(name)}`, undefined, { 'x-vault-token': token })).status).toBe(403)
      }),
      { numRuns: 100 + examples.length, examples: examples.map((name) => [name]) },
    )
    expect(granted).toBeGreaterThan(25)
  }, 120_000)

  it('is made of characters that the server takes in a path, every one of which was tried, or refused', async () => {
    const characters = Array.from({ length: 0x110000 }, (_, point) => String.fromCodePoint(point))
    const grantable = characters.filter((character) => ungrantable(`kv/a${character}b`) === undefined)
    expect(grantable.length).toBeGreaterThan(130_000)
    for (let from = 0; from < grantable.length; from += 1000) {
      const name = `a${grantable.slice(from, from + 1000).join('')}b`
      expect((await world.api('GET', `kv/metadata/${encoded(name)}`)).status, JSON.stringify(name)).toBe(404)
    }
  }, 120_000)

  async function tokenFor(name: string): Promise<string> {
    const { api } = world
    const text = policyText(policyFor([secretAt(name, 'read')]), { ...stamp, runId: newId('run') }, false)
    expect((await api('POST', `kv/data/${encoded(name)}`, { data: { of: 'the name' } })).status, JSON.stringify(name)).toBe(200)
    expect((await api('POST', 'sys/policies/acl/hostile', { policy: text })).status, text).toBe(204)
    expect((await api('GET', 'sys/policies/acl/hostile')).body.data.policy).toBe(text)
    const created = await api('POST', 'auth/token/create', { policies: ['hostile'], no_default_policy: true })
    return created.body.auth.client_token
  }

  async function readAs(token: string, name: string): Promise<number> {
    return (await world.api('GET', `kv/data/${encoded(name)}`, undefined, { 'x-vault-token': token })).status
  }

  /** Names that a policy read as a pattern would reach. */
  function neighboursOf(name: string): string[] {
    const others = ['other', `${name}x`, `${name}/x`, `x/${name}`, `${name}*`, name.slice(0, -1)]
    const filled = [
      name.replace('+', 'y'),
      name.replace('*', 'y'),
      name.replace(/\{\{.*\}\}/, 'y'),
      name.replace(/\$\{.*\}/, 'y'),
    ]
    const folded = [name.toUpperCase(), name.normalize('NFD'), name.normalize('NFC'), name.trim()]
    return [...new Set([...others, ...filled, ...folded])].filter((other) => other !== name && isAskable(other))
  }

  function isAskable(name: string): boolean {
    return unaskable(name) === undefined
  }

  function encoded(name: string): string {
    return name.split('/').map(encodeURIComponent).join('/')
  }
})
