import { afterAll, beforeAll } from 'vitest'
import { freePort } from '../../dev/vault/free-port.ts'
import type { Config } from '../../src/config/config.ts'
import { Secret } from '../../src/sdk/index.ts'
import type { Api } from './api.ts'
import { type Broker, type BrokerOptions, startBroker } from './broker.ts'
import { AUDIENCE, accessClaims, CLIENT, type ForgedIdp, jws, startForgedIdp } from './forged-idp.ts'
import { Jar, type Page } from './jar.ts'
import { expectRefused, type Standing, standing } from './standing.ts'

type Json = Record<string, unknown>

/** A broker and a provider that says what a test tells it. */
export interface ForgedWorld {
  readonly broker: Broker
  readonly idp: ForgedIdp
  /** A browser that goes to the provider and comes back with an ID token of these claims; what is undefined is left out. */
  signIn(claims?: Json, jar?: Jar): Promise<{ jar: Jar; page: Page }>
  /** calls with an access token of these claims */
  bearer(claims?: Json, typ?: string): Api
  close(): Promise<void>
}

export function oidcFor(idp: ForgedIdp, more: Partial<NonNullable<Config['oidc']>> = {}): NonNullable<Config['oidc']> {
  return {
    issuer: idp.issuer,
    clientId: CLIENT,
    clientSecret: new Secret('x'),
    scopes: 'openid profile email',
    groupsClaim: 'groups',
    attributes: { department: 'department', manager: 'manager' },
    audience: AUDIENCE,
    cliClientId: 'latchkey-cli',
    apiScopes: { request: 'api.request', approve: 'api.approve', manage: 'api.manage', audit: 'api.audit' },
    scimClaim: 'sub',
    ...more,
  }
}

export async function startForgedWorld(
  oidc: Partial<NonNullable<Config['oidc']>> = {},
  options: BrokerOptions & { readonly idp?: ForgedIdp } = {},
): Promise<ForgedWorld> {
  const idp = options.idp ?? (await startForgedIdp())
  const port = await freePort()
  const publicUrl = `http://127.0.0.1:${port}`
  const broker = await startBroker({ ...options, config: { port, publicUrl, oidc: oidcFor(idp, oidc), ...options.config } })
  return {
    broker,
    idp,
    async signIn(claims = {}, jar = new Jar()) {
      const asked = await jar.step(`${broker.url}/auth/login?return=/api/me`)
      const question = new URL(asked.headers.get('location') ?? '').searchParams
      if (idp.userInfo['sub'] !== (claims['sub'] ?? 'ann')) idp.userInfo = { sub: claims['sub'] ?? 'ann' }
      idp.idToken = (right) => jws(idp.rsa, { typ: 'JWT' }, { ...right, ...claims })
      const answer = new URLSearchParams({ code: idp.code(question), state: question.get('state')!, iss: idp.issuer })
      return { jar, page: await jar.get(`${broker.url}/auth/callback?${answer}`) }
    },
    bearer: (claims = {}, typ = 'at+jwt') => broker.api(jws(idp.rsa, { typ }, accessClaims(idp, claims))),
    close: async () => {
      await broker.close()
      if (!options.idp) await idp.close()
    },
  }
}

/** Such a world for the tests of a file. `into` puts it where they find it; the answer is how they see who is in. */
export function forgedHere(into: (world: ForgedWorld) => void) {
  let world: ForgedWorld
  beforeAll(async () => {
    world = await startForgedWorld({ attributes: {} })
    into(world)
  })
  afterAll(() => world?.close())
  return {
    standing: () => standing(world.broker),
    expectRefused: (road: string, before: Standing, brought?: string) => expectRefused(world.broker, road, before, brought),
  }
}
