import { describe, expect, it } from 'vitest'
import { actions } from '../../plugins/vault/actions.ts'
import { type KnownConcern, riskOf } from '../../src/runs/risk.ts'

const KV = { mount: 'kv', path: 'app/db' }
const versions = (many: number) => ({ ...KV, versions: Array.from({ length: many }, (_, at) => at + 1) })
const accessor = 'accessor-of-somebody'
const certificate = {
  domains: [],
  fingerprint: 'f',
  serial: 's',
  variables: {},
  certificatePem: 'pem',
  privateKeyPem: 'key',
}
const distribution = { mount: 'secret', path: 'certs/x', fields: {}, certificate }
const policy = (document: string) => ({ name: 'team', document })
const PRODUCTION = { env: 'prod' }
const TEST = { env: 'test' }

function riskWith(name: string, typed: object, tags?: Record<string, string>) {
  const action = actions.find((each) => each.name === name)!
  const input = action.input.parse(typed)
  const concerns: KnownConcern[] = (action.concerns?.(input) ?? []).map((concern) => ({ ...concern, tags }))
  return riskOf(action, input, concerns, { name: 'prod-vault' })
}

describe('the risk of an action', () => {
  it.each([
    ['rotate-kv-secret', { ...KV, fields: { password: { by: 'recipe' } } }, TEST, 'low', 'medium severity'],
    ['rotate-kv-secret', { ...KV, fields: { password: { by: 'recipe' } } }, PRODUCTION, 'medium', 'is tagged as prod'],
    ['rotate-kv-secret', { ...KV, fields: { password: { by: 'recipe' } } }, undefined, 'medium', 'may be production'],
    ['delete-kv-version', versions(1), TEST, 'low', 'medium severity'],
    ['delete-kv-version', versions(2), TEST, 'medium', '2 things at once'],
    ['delete-kv-version', versions(2), PRODUCTION, 'high', 'names 2 versions'],
    ['delete-kv-version', versions(11), undefined, 'high', '11 things at once'],
    ['destroy-kv-version', versions(1), TEST, 'high', 'cannot be undone'],
    ['revoke-token', { accessor }, undefined, 'medium', 'neither a root token'],
    ['revoke-token', { accessor, force: true }, undefined, 'high', 'also ends a root token'],
    ['rotate-database-credentials', { role: 'app' }, undefined, 'medium', 'not the whole connection'],
    ['rotate-database-credentials', { connection: 'main' }, undefined, 'high', 'every role of the connection'],
    ['update-policy', policy('path "kv/*" { capabilities = ["read"] }'), undefined, 'high', 'high severity'],
    ['update-policy', policy('path "kv/*" { capabilities = ["sudo"] }'), undefined, 'high', '`sudo`'],
    ['update-policy', policy('path "*" { capabilities = ["read"] }'), undefined, 'high', 'every path'],
    ['update-policy', policy('{"path":{"*":{"capabilities":["read"]}}}'), undefined, 'high', 'every path'],
    ['update-policy', policy('path "sys/policies/acl/*" { capabilities = ["update"] }'), undefined, 'high', 'policies'],
    ['distribute-certificate', { ...distribution, includePrivateKey: true }, PRODUCTION, 'medium', 'private key goes along'],
    ['distribute-certificate', { ...distribution, includePrivateKey: false }, PRODUCTION, 'low', 'without the private key'],
  ])('of %s with %j, tagged %j, is %s, because of “%s”', (name, input, tags, level, because) => {
    const risk = riskWith(name, input, tags)
    expect(risk.level, risk.reasons.join(' ')).toBe(level)
    expect(risk.reasons.join(' ')).toContain(because)
  })

  it('is told with no reason that does not hold', () => {
    const { reasons } = riskWith('update-policy', policy('path "kv/data/app/*" { capabilities = ["read"] }'))
    expect(reasons).toEqual([
      '“Change a Vault policy” is of high severity.',
      'No tag says which environment prod-vault belongs to, so it may be production.',
    ])
  })
})
