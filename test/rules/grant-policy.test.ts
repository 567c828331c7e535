import { describe, expect, it } from 'vitest'
import { parsePolicyComment, policyEnd, policyFor, policyText, sentenceFor } from '../../plugins/vault/policy.ts'
import type { GrantInput } from '../../src/sdk/index.ts'

type Resource = GrantInput['resources'][number]

const RUN = 'run_01jdqk7w2vpt3c8mdy5h9r6n4s'
const STAMP = { instance: '4711081542', runId: RUN, until: new Date('2030-01-01T10:00:00.250Z') }
const SELF = { 'auth/token/lookup-self': ['read'], 'auth/token/revoke-self': ['update'] }

const at = (type: string, mount: string, path: string, permissions: readonly string[], more = {}): Resource => ({
  type,
  name: `${mount}/${path}`,
  attributes: { mount, path, ...more },
  permissions: [...permissions],
})
const secret = (path: string, ...permissions: string[]) => at('vault-kv-secret', 'kv', path, permissions)
const key = (path: string, permissions: string[], more = {}) => at('vault-transit-key', 'transit', path, permissions, more)
const pathsOf = (...resources: Resource[]) =>
  Object.fromEntries(Object.entries(policyFor(resources).path).map(([path, { capabilities }]) => [path, capabilities]))

describe('the policy of a grant', () => {
  it('allows of a secret what each permission says, and nothing else', () => {
    expect(pathsOf(secret('app/db', 'read', 'write', 'list', 'metadata', 'delete'))).toEqual({
      'kv/data/app/db': ['read', 'create', 'update', 'patch', 'delete'],
      'kv/metadata/app/': ['list'],
      'kv/metadata/app/db': ['read'],
      'kv/delete/app/db': ['update'],
      ...SELF,
    })
    expect(pathsOf(secret('top', 'list'))).toEqual({ 'kv/metadata/': ['list'], ...SELF })
    expect(pathsOf(secret('a', 'write'))).toEqual({ 'kv/data/a': ['create', 'update', 'patch'], ...SELF })
  })

  it('allows of a key what each permission says, and nothing else', () => {
    expect(pathsOf(key('k', ['encrypt', 'decrypt', 'rewrap', 'sign', 'verify', 'hmac', 'read']))).toEqual({
      'transit/encrypt/k': ['update'],
      'transit/decrypt/k': ['update'],
      'transit/rewrap/k': ['update'],
      'transit/sign/k': ['update'],
      'transit/sign/k/+': ['update'],
      'transit/verify/k': ['update'],
      'transit/verify/k/+': ['update'],
      'transit/hmac/k': ['update'],
      'transit/hmac/k/+': ['update'],
      'transit/keys/k': ['read'],
      ...SELF,
    })
  })

  it('is a sentence for those who do not read policies', () => {
    expect(sentenceFor([secret('a/b', 'read', 'write', 'list', 'metadata', 'delete'), secret('a/c', 'list')])).toBe(
      'Lets the grantee read kv/a/b, write kv/a/b, list kv/a/, read the metadata of kv/a/b, delete versions of kv/a/b, and nothing else.',
    )
    expect(sentenceFor([key('k', ['encrypt', 'decrypt', 'rewrap', 'sign', 'verify', 'hmac', 'read'])])).toBe(
      'Lets the grantee encrypt with transit/k, decrypt with transit/k, rewrap with transit/k, sign with transit/k, ' +
        'verify with transit/k, compute HMACs with transit/k, read the details of transit/k, and nothing else.',
    )
  })

  it.each<[Resource, string]>([
    [{ ...secret('x', 'read'), attributes: { path: 'x' } }, 'its mount and path were not discovered'],
    [{ ...secret('x', 'read'), attributes: { mount: 'kv' } }, 'its mount and path were not discovered'],
    [{ ...secret('x', 'read'), attributes: { mount: 'kv', path: 'y' } }, 'its name differs from its place, kv/y'],
    [secret('a//b', 'read'), 'the name holds an empty segment'],
    [key('a/b', ['read']), 'Transit gives keys no such name'],
    [secret('x'), 'no permission was named'],
    [secret('x', 'destroy'), 'there is no permission destroy on vault-kv-secret'],
    [secret('x', 'valueOf'), 'there is no permission valueOf on vault-kv-secret'],
    [at('toString', 'kv', 'x', ['read']), 'there is no permission read on toString'],
    [at('vault-kv-secret', 'sys', 'x', ['read']), 'sys belongs to the server itself'],
    [at('vault-kv-secret', 'sys/raw', 'x', ['read']), 'sys/raw belongs to the server itself'],
    [at('vault-kv-secret', 'identity', 'x', ['read']), 'identity belongs to the server itself'],
    [at('vault-kv-secret', 'auth/x', 'x', ['read']), 'auth/x belongs to the server itself'],
    [at('vault-kv-secret', 'cubbyhole', 'x', ['read']), 'cubbyhole belongs to the server itself'],
    [
      key('k', ['read', 'encrypt'], { supports_encryption: false, type: 'ed25519' }),
      'a key of the type "ed25519" cannot encrypt',
    ],
    [key('k', ['decrypt'], { supports_decryption: false }), 'a key of the type null cannot decrypt'],
    [key('k', ['rewrap'], { supports_encryption: false, type: 't' }), 'a key of the type "t" cannot rewrap'],
    [key('k', ['rewrap'], { supports_decryption: false, type: 't' }), 'a key of the type "t" cannot rewrap'],
    [key('k', ['sign'], { supports_signing: false, type: 't' }), 'a key of the type "t" cannot sign'],
  ])('is not written for %o', (resource, reason) => {
    expect(() => policyFor([secret('fine', 'read'), resource])).toThrow(
      expect.objectContaining({
        code: 'access.ungrantable',
        field: 'resources',
        message: `${resource.name} cannot be granted exactly: ${reason}`,
      }),
    )
  })

  it.each<Resource>([
    at('vault-kv-secret', 'system', 'x', ['read']),
    at('vault-kv-secret', 'my/sys', 'x', ['read']),
    secret('a/b', 'read'),
    key('k', ['verify', 'hmac', 'read'], { supports_signing: false, supports_encryption: false, supports_decryption: false }),
    key('k', ['encrypt'], { supports_encryption: true, supports_decryption: false }),
    at('vault-kv-secret', 'kv', 'k', ['read'], { supports_encryption: false }),
  ])('is written for %o', (resource) => {
    expect(() => policyFor([resource])).not.toThrow()
  })

  it.each([
    ['sys/policies/acl/x'],
    ['auth/token/create'],
    ['auth'],
    ['kv/data/*'],
    ['kv/+/x'],
    ['transit/keys/k/+'],
    ['transit/sign/k/x/+'],
    ['transit/sign/+/+'],
    ['kv/sign/k/+/x'],
    ['kv/a//b'],
    ['+'],
    ['/'],
    [''],
  ])('never names %s, whatever its plan says', (path) => {
    const document = { path: { [path]: { capabilities: ['read' as const] } } }
    expect(() => policyText(document, STAMP, false)).toThrow(
      expect.objectContaining({ code: 'access.ungrantable', message: `${path} is never granted` }),
    )
  })

  it('names what its plan may say', () => {
    for (const path of [
      'kv/metadata/app/',
      'kv/metadata/app*/',
      'transit/sign/k.1-a/+',
      'a/verify/k/+',
      'a/hmac/k/+',
      'auth/token/lookup-self',
    ]) {
      expect(() => policyText({ path: { [path]: { capabilities: ['read'] } } }, STAMP, false), path).not.toThrow()
    }
  })

  it.each(['sudo', 'root', 'deny', 'subscribe'])('never lends %s, whatever its plan says', (capability) => {
    const capabilities = ['read', capability] as unknown as ['read']
    expect(() => policyText({ path: { 'kv/data/x': { capabilities } } }, STAMP, false)).toThrow('kv/data/x is never granted')
  })
})

describe('the text of a policy', () => {
  const document = policyFor([secret('app/db', 'read')])

  it('is JSON with the stamp on one path and, where the server ends it, the end on each', () => {
    const comment = `latchkey 4711081542 ${RUN} until 2030-01-01T10:00:00.250Z`
    expect(JSON.parse(policyText(document, STAMP, false))).toEqual({
      path: {
        'kv/data/app/db': { capabilities: ['read'] },
        'auth/token/lookup-self': { capabilities: ['read'], comment },
        'auth/token/revoke-self': { capabilities: ['update'] },
      },
    })
    const expiration = STAMP.until.toISOString()
    expect(JSON.parse(policyText(document, STAMP, true))).toEqual({
      path: {
        'kv/data/app/db': { capabilities: ['read'], expiration },
        'auth/token/lookup-self': { capabilities: ['read'], expiration, comment },
        'auth/token/revoke-self': { capabilities: ['update'], expiration },
      },
    })
  })

  it.each(['2030-01-01T10:00:00.000Z', '2030-01-01T10:00:00.001Z', '2030-01-01T10:00:59.999Z'])(
    'ends for %s then, not before and not later',
    (until) => {
      expect(policyEnd(new Date(until))).toBe(until)
    },
  )

  it('says whose it is', () => {
    expect(parsePolicyComment(policyText(document, STAMP, true))).toEqual(STAMP)
  })

  const stamped = (comment: string) => parsePolicyComment(`{"comment":"${comment}"}`)
  it.each([
    [`latchkey 471108154 ${RUN} until 2030-01-01T10:00:00Z`],
    [`latchkey 47110815421 ${RUN} until 2030-01-01T10:00:00Z`],
    [`latchkey x711081542 ${RUN} until 2030-01-01T10:00:00Z`],
    [`latchkey 4711081542 ${RUN}0 until 2030-01-01T10:00:00Z`],
    [`latchkey 4711081542 ${RUN.slice(0, -1)} until 2030-01-01T10:00:00Z`],
    [`latchkey 4711081542 ${RUN.toUpperCase()} until 2030-01-01T10:00:00Z`],
    [`latchkey 4711081542 ${RUN} until tomorrow`],
    [`latchkey 4711081542 ${RUN} until `],
    [`latchkey 4711081542 ${RUN} until 2030-01-01T10:00:00Z and longer`],
    [`x latchkey 4711081542 ${RUN} until 2030-01-01T10:00:00Z`],
  ])('is nobody’s with the stamp %s', (comment) => {
    expect(stamped(comment)).toBeUndefined()
    expect(stamped(`latchkey 4711081542 ${RUN} until 2030-01-01T10:00:00Z`)).toBeDefined()
    expect(parsePolicyComment('')).toBeUndefined()
  })
})
