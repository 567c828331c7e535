import { createHash, createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

type Json = Record<string, unknown>

export const CLIENT = 'latchkey'
export const AUDIENCE = 'urn:test:api'
const EVERY_SCOPE = 'openid api.request api.approve api.manage api.audit'

/** A key of the provider's, or of somebody who would like to be it. */
export interface Key {
  readonly kid: string
  readonly alg: 'RS256' | 'ES256'
  readonly privateKey: KeyObject
  readonly jwk: Json
}

export function makeKey(alg: Key['alg'], kid: string = randomUUID()): Key {
  const { privateKey, publicKey } =
    alg === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { kid, alg, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } }
}

/** A provider that does what a test tells it, right or wrong. What it is not told, it does right. */
export interface ForgedIdp {
  readonly issuer: string
  readonly rsa: Key
  readonly ec: Key
  readonly stranger: Key
  /** what the key set shows */
  keys: Key[]
  /** instead of the token it would have made, for the next answer of the token endpoint */
  idToken: ((claims: Json) => string | undefined) | undefined
  /** instead of any answer, for the endpoints named */
  readonly instead: Map<string, (response: ServerResponse) => void>
  readonly asked: string[]
  /** what the discovery document says besides, or instead */
  metadata: Json
  /** what comes with a sign-in and is good for one use; spent twice, its whole family ends */
  refreshes: boolean
  /** said with every answer of the token endpoint besides */
  tokenAnswer: Json
  /** how many were traded, which were tried in vain, and which were revoked */
  readonly traded: { count: number; spent: string[]; revoked: string[] }
  /** no access token that was given until now is taken any more */
  expireAccess(): void
  /** how the broker proved itself at the token endpoint last */
  proof: { readonly header: string | undefined; readonly form: URLSearchParams }
  /** with nothing in it, the token is not taken */
  userInfo: Json
  /** as the authorization endpoint would: a code for this question */
  code(question: URLSearchParams): string
  now(): number
  close(): Promise<void>
}

export async function startForgedIdp(): Promise<ForgedIdp> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const codes = new Map<string, URLSearchParams>()
  const access = new Set<string>()
  const refresh = new Map<string, { sub: unknown; family: string }>()
  const given = (sub: unknown, family: string): Json => {
    const [accessToken, refreshToken] = [`at-${randomUUID()}`, `rt-${randomUUID()}`]
    access.add(accessToken)
    if (idp.refreshes) refresh.set(refreshToken, { sub, family })
    const more = idp.refreshes ? { refresh_token: refreshToken } : {}
    return { access_token: accessToken, token_type: 'Bearer', expires_in: 300, ...more, ...idp.tokenAnswer }
  }
  const traded = (token: string): Json | undefined => {
    const found = refresh.get(token)
    refresh.delete(token)
    if (found) {
      idp.traded.count += 1
      return given(found.sub, `${found.family} ${token}`)
    }
    idp.traded.spent.push(token)
    for (const [other, { family }] of refresh) if (family.includes(token)) refresh.delete(other)
    return undefined
  }
  const rsa = makeKey('RS256', 'rsa')
  const ec = makeKey('ES256', 'ec')
  const idp: ForgedIdp = {
    issuer,
    rsa,
    ec,
    stranger: makeKey('RS256', 'stranger'),
    keys: [rsa, ec],
    idToken: undefined,
    instead: new Map(),
    asked: [],
    metadata: {},
    refreshes: false,
    tokenAnswer: {},
    traded: { count: 0, spent: [], revoked: [] },
    expireAccess: () => access.clear(),
    proof: { header: undefined, form: new URLSearchParams() },
    userInfo: {},
    code: (question) => {
      const code = randomUUID()
      codes.set(code, question)
      return code
    },
    now: () => Math.floor(Date.now() / 1000),
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', issuer)
    idp.asked.push(pathname)
    const instead = idp.instead.get(pathname)
    if (instead) return instead(response)
    const form = new URLSearchParams(await text(request))
    if (pathname === '/.well-known/openid-configuration') return json(response, 200, { ...discovery(issuer), ...idp.metadata })
    if (pathname === '/jwks') return json(response, 200, { keys: idp.keys.map(({ jwk }) => jwk) })
    if (pathname === '/userinfo') {
      const token = request.headers.authorization?.slice('Bearer '.length) ?? ''
      const isTold = Object.keys(idp.userInfo).length > 0 && (access.has(token) || token.startsWith('eyJ'))
      return isTold ? json(response, 200, idp.userInfo) : json(response, 401, { error: 'invalid_token' })
    }
    if (pathname === '/revoke') {
      idp.traded.revoked.push(form.get('token') ?? '')
      return json(response, 200, {})
    }
    if (!pathname.endsWith('/token')) return json(response, 404, {})
    idp.proof = { header: request.headers.authorization, form }
    if (form.get('grant_type') === 'refresh_token') {
      const newer = traded(form.get('refresh_token') ?? '')
      return newer ? json(response, 200, newer) : json(response, 400, { error: 'invalid_grant' })
    }
    const question = codes.get(form.get('code') ?? '')
    codes.delete(form.get('code') ?? '')
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (!question || question.get('code_challenge') !== challenge) return json(response, 400, { error: 'invalid_grant' })
    const claims = idClaims(idp, { nonce: question.get('nonce') })
    const make = idp.idToken ?? ((given: Json) => jws(idp.rsa, { typ: 'JWT' }, given))
    idp.idToken = undefined
    return json(response, 200, { ...given(claims['sub'], ''), id_token: make(claims) })
  }
  server.on('request', (request, response) => void answer(request, response))
  return idp
}

function discovery(issuer: string): Json {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    revocation_endpoint: `${issuer}/revoke`,
    jwks_uri: `${issuer}/jwks`,
    end_session_endpoint: `${issuer}/logout`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256', 'ES256', 'HS256', 'none'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

export function idClaims({ issuer, now }: ForgedIdp, more: Json = {}): Json {
  const who = { sub: 'ann', name: 'Ann', groups: ['staff'] }
  return { iss: issuer, aud: CLIENT, iat: now(), exp: now() + 300, sid: 'idp-session', ...who, ...more }
}

export function accessClaims({ issuer, now }: ForgedIdp, more: Json = {}): Json {
  const who = { sub: 'ann', name: 'Ann', groups: ['staff'], client_id: 'latchkey-cli', scope: EVERY_SCOPE, jti: randomUUID() }
  return { iss: issuer, aud: AUDIENCE, iat: now(), exp: now() + 300, ...who, ...more }
}

export function logoutClaims({ issuer, now }: ForgedIdp, more: Json = {}): Json {
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  return {
    iss: issuer,
    aud: CLIENT,
    iat: now(),
    exp: now() + 120,
    jti: randomUUID(),
    sub: 'ann',
    sid: 'idp-session',
    events,
    ...more,
  }
}

/** Signed by a key, whatever the header says of it. What is undefined is left out. */
export function jws(key: Key, header: Json, claims: Json | string): string {
  return assembled({ alg: key.alg, kid: key.kid, ...header }, claims, (input) =>
    sign('sha256', input, { key: key.privateKey, dsaEncoding: 'ieee-p1363' }),
  )
}

export function unsigned(header: Json, claims: Json): string {
  return assembled(header, claims, () => Buffer.alloc(0))
}

/** The public key, taken for a shared secret. */
export function hmac(secret: string | Buffer, header: Json, claims: Json): string {
  return assembled(header, claims, (input) => createHmac('sha256', secret).update(input).digest())
}

export function withPayload(token: string, change: (claims: Json) => Json): string {
  const [header, payload = '', signature] = token.split('.')
  return [header, encoded(change(JSON.parse(Buffer.from(payload, 'base64url').toString()))), signature].join('.')
}

function assembled(header: Json, claims: Json | string, signature: (input: Buffer) => Buffer): string {
  const input = `${encoded(header)}.${encoded(claims)}`
  return `${input}.${signature(Buffer.from(input)).toString('base64url')}`
}

function encoded(value: Json | string): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}
