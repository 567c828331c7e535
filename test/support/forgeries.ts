import { createPublicKey } from 'node:crypto'
import { type ForgedIdp, hmac, jws, unsigned, withPayload } from './forged-idp.ts'

export type Json = Record<string, unknown>
export type Forge = (idp: ForgedIdp) => string

export const HOUR = 3600

function publicPem({ rsa }: ForgedIdp): string {
  return createPublicKey(rsa.privateKey).export({ type: 'spki', format: 'pem' }).toString()
}

/** What is wrong with a token of any kind, given how a right one of that kind is made. */
export function forgeries(claimsOf: (idp: ForgedIdp, more?: Json) => Json, typ: string): [string, Forge][] {
  const right = (at: ForgedIdp, header: Json = {}, more: Json = {}) => jws(at.rsa, { typ, ...header }, claimsOf(at, more))
  return [
    ['unsigned, alg none', (at) => unsigned({ alg: 'none', typ }, claimsOf(at))],
    ['unsigned, alg NoNe', (at) => unsigned({ alg: 'NoNe', typ }, claimsOf(at))],
    ['signed, and its signature cut off', (at) => right(at).replace(/[^.]*$/, '')],
    ['signed with HS256 and the public key', (at) => hmac(publicPem(at), { alg: 'HS256', typ, kid: 'rsa' }, claimsOf(at))],
    ['signed with HS256 and nothing', (at) => hmac('', { alg: 'HS256', typ, kid: 'rsa' }, claimsOf(at))],
    ['signed by a stranger under the right kid', (at) => jws({ ...at.stranger, kid: 'rsa' }, { typ }, claimsOf(at))],
    ['signed by a stranger under their own kid', (at) => jws(at.stranger, { typ }, claimsOf(at))],
    ['signed by a stranger without a kid', (at) => jws(at.stranger, { typ, kid: undefined }, claimsOf(at))],
    ['with a kid that is a path', (at) => right(at, { kid: '../../dev/null' })],
    ['with a kid that is a statement', (at) => right(at, { kid: "' or 1=1 --" })],
    ['with the stranger’s key embedded', (at) => jws(at.stranger, { typ, kid: undefined, jwk: at.stranger.jwk }, claimsOf(at))],
    ['with jku', (at) => jws(at.stranger, { typ, jku: `${at.issuer}/their-keys` }, claimsOf(at))],
    ['with x5u', (at) => jws(at.stranger, { typ, x5u: `${at.issuer}/their-certificate` }, claimsOf(at))],
    ['with x5c', (at) => jws(at.stranger, { typ, x5c: ['MIIB'] }, claimsOf(at))],
    ['of another algorithm than its key', (at) => right(at, { alg: 'ES256' })],
    ['naming a key of another kind', (at) => right(at, { kid: 'ec' })],
    ['with an algorithm nobody asked for', (at) => right(at, { alg: 'RS384' })],
    ['with a critical header', (at) => right(at, { crit: ['exp'], exp: 1 })],
    ['with an unknown critical header', (at) => right(at, { crit: ['b64'], b64: false })],
    ['expired', (at) => right(at, {}, { iat: at.now() - HOUR, exp: at.now() - 60 })],
    ['without an end', (at) => right(at, {}, { exp: undefined })],
    ['with an end that is text', (at) => right(at, {}, { exp: '9999999999' })],
    ['not valid yet', (at) => right(at, {}, { nbf: at.now() + HOUR })],
    ['made in the future', (at) => right(at, {}, { iat: at.now() + HOUR, exp: at.now() + 2 * HOUR })],
    ['without a beginning', (at) => right(at, {}, { iat: undefined })],
    ['of another issuer', (at) => right(at, {}, { iss: 'https://evil.example' })],
    ['of the issuer with a slash', (at) => right(at, {}, { iss: `${at.issuer}/` })],
    ['of no issuer', (at) => right(at, {}, { iss: undefined })],
    ['for another audience', (at) => right(at, {}, { aud: 'somebody-else' })],
    ['for no audience', (at) => right(at, {}, { aud: undefined })],
    ['for an audience of none', (at) => right(at, {}, { aud: [] })],
    ['with its claims changed', (at) => withPayload(right(at), (claims) => ({ ...claims, sub: 'admin' }))],
    ['with a claim twice', (at) => jws(at.rsa, { typ }, JSON.stringify(claimsOf(at)).replace(/}$/, ',"sub":"admin"}'))],
    [
      'with a claim twice, once in escapes',
      (at) => jws(at.rsa, { typ }, JSON.stringify(claimsOf(at)).replace(/}$/, ',"\\u0073ub":"admin"}')),
    ],
    ['that is encrypted', (at) => `${right(at)}.AAAA.BBBB`],
    ['whose claims are a list', (at) => jws(at.rsa, { typ }, '[]')],
    ['whose claims are no JSON', (at) => jws(at.rsa, { typ }, '{"sub":')],
    ['with a typ of another kind', (at) => right(at, { typ: 'secevent+jwt' })],
  ]
}
