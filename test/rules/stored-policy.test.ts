import { describe, expect, it } from 'vitest'
import { policyFor, policyText } from '../../plugins/vault/policy.ts'
import { endWritten, meansTheSame } from '../../plugins/vault/stored-policy.ts'

const STAMP = { instance: '4711081542', runId: 'run_01jdqk7w2vpt3c8mdy5h9r6n4s', until: new Date('2030-01-01T10:00:00.250Z') }

describe('a stored policy', () => {
  const document = policyFor([
    { type: 'vault-kv-secret', name: 'kv/app/db', attributes: { mount: 'kv', path: 'app/db' }, permissions: ['read', 'write'] },
  ])
  const text = policyText(document, STAMP, true)
  const means = (stored: string) => meansTheSame({ text: stored }, document, STAMP)
  /** the stored text with other fields in the rule of one path, with `null` for a rule, or without that rule */
  const changed = (path: string, fields: object | null | undefined) => {
    const rules = JSON.parse(text).path
    rules[path] = fields && { ...rules[path], ...fields }
    return JSON.stringify({ path: rules })
  }

  it('means the same in any order and with any end', () => {
    expect(means(text)).toBe(true)
    expect(means(policyText(document, STAMP, false))).toBe(true)
    const { path } = JSON.parse(text)
    expect(means(JSON.stringify({ path: Object.fromEntries(Object.entries(path).reverse()) }))).toBe(true)
    expect(means(changed('kv/data/app/db', { capabilities: ['patch', 'update', 'create', 'read'] }))).toBe(true)
  })

  it.each<[string, string]>([
    ['nothing', ''],
    ['no JSON', 'path "kv/data/x" { capabilities = ["read"] }'],
    ['null', 'null'],
    ['a list', '[]'],
    ['no rules', '{"path":null}'],
    ['rules that are a list', '{"path":[]}'],
    ['a space more', `${text} `],
    ['a path twice', text.replace('{"path":{', '{"path":{"kv/data/app/db":{"capabilities":["sudo"]},')],
    ['a field beside its rules', text.replace('{"path"', '{"name":"x","path"')],
    ['a rule more', changed('kv/data/x', { capabilities: ['read'] })],
    ['a rule less', changed('auth/token/revoke-self', undefined)],
    ['another path', text.replace('kv/data/app/db', 'kv/data/app/dc')],
    ['a capability more', changed('auth/token/revoke-self', { capabilities: ['update', 'sudo'] })],
    ['a capability less', changed('kv/data/app/db', { capabilities: ['read', 'create', 'update'] })],
    ['another capability', changed('auth/token/revoke-self', { capabilities: ['read'] })],
    ['a capability twice', changed('auth/token/revoke-self', { capabilities: ['update', 'update'] })],
    ['a capability that is none', changed('auth/token/revoke-self', { capabilities: [1] })],
    ['capabilities as a text', changed('auth/token/revoke-self', { capabilities: 'update' })],
    ['a rule of another field', changed('auth/token/revoke-self', { allowed_parameters: {} })],
    ['a rule that is none', changed('auth/token/revoke-self', null)],
    ['an end that is none', changed('auth/token/revoke-self', { expiration: 5 })],
    ['a comment that is none', changed('auth/token/revoke-self', { comment: 5 })],
    ['a comment elsewhere', changed('auth/token/revoke-self', { comment: 'mine' })],
    ['no stamp', changed('auth/token/lookup-self', { comment: undefined })],
  ])('does not mean the same with %s', (_, stored) => {
    expect(means(stored)).toBe(false)
  })

  it.each([
    ['run', { ...STAMP, runId: `run_${'0'.repeat(26)}` }],
    ['installation', { ...STAMP, instance: '0000000000' }],
    ['time', { ...STAMP, until: new Date('2030-01-01T10:00:00.251Z') }],
  ])('does not mean the same with the stamp of another %s', (_, stamp) => {
    expect(meansTheSame({ text: policyText(document, stamp, true) }, document, STAMP)).toBe(false)
  })

  const end = '2030-01-01T10:00:00.250Z'
  it.each<[string, string, string | undefined, string]>([
    ['everywhere', text, end, 'everywhere'],
    ['on each path and not beside', text, undefined, 'otherwise'],
    ['nowhere', policyText(document, STAMP, false), undefined, 'nowhere'],
    ['beside and on no path', policyText(document, STAMP, false), end, 'otherwise'],
    ['later beside', text, '2030-01-01T10:00:02Z', 'otherwise'],
    ['on all paths but one', changed('kv/data/app/db', { expiration: undefined }), end, 'otherwise'],
    ['earlier on one path', changed('kv/data/app/db', { expiration: '2030-01-01T10:00:00Z' }), end, 'otherwise'],
    ['in another spelling', text, '2030-01-01T11:00:00.250+01:00', 'everywhere'],
    [
      'rounded up, as earlier versions wrote it',
      text.replaceAll('n":"2030-01-01T10:00:00.250Z', 'n":"2030-01-01T10:00:01.000Z'),
      '2030-01-01T10:00:01Z',
      'everywhere',
    ],
    ['beside a text that is no policy of ours', 'hcl', undefined, 'nowhere'],
  ])('has its end %s', (_, stored, expiration, expected) => {
    expect(endWritten({ text: stored, ...(expiration !== undefined && { expiration }) }, STAMP.until)).toBe(expected)
  })
})
