import * as client from 'openid-client'
import { BrokerError, Secret } from '../sdk/index.ts'
import { changeLogin, isEnrolled, type ProviderLogin, readLogin } from './stored-login.ts'

export interface At {
  readonly issuer: string
  readonly clientId: string
  readonly audience: string
}

/** The provider asks that of whoever decides: a token younger than the broker's minute. */
const YOUNG_MS = 45_000

/** Signs somebody in who uses another device, or another window, for it. `ask` shows them where to go. */
export async function deviceLogin(
  at: At,
  scopes: string,
  ask: (url: string, code: string) => void,
  signal?: AbortSignal,
): Promise<ProviderLogin> {
  const provider = await reach(at)
  const scope = [...new Set([...scopes.split(' '), 'offline_access'])].join(' ')
  const device = await client.initiateDeviceAuthorization(provider, { scope, resource: at.audience }).catch(refused)
  ask(device.verification_uri_complete ?? device.verification_uri, device.user_code)
  const tokens = await client.pollDeviceAuthorizationGrant(provider, device, { resource: at.audience }, { signal }).catch(refused)
  return kept(at, tokens, undefined)
}

/** A token of who is signed in: of the provider's a young one, so that it serves for decisions as well. undefined when nobody is. */
export async function loginToken(env: NodeJS.ProcessEnv, broker: string): Promise<Secret | undefined> {
  const stored = await readLogin(env, broker)
  if (!stored) return undefined
  if (isEnrolled(stored)) return new Secret(stored.token)
  if (isYoung(stored)) return new Secret(stored.accessToken)
  const login = await changeLogin(env, broker, async (before) => {
    if (!before || isEnrolled(before) || isYoung(before)) return before // another command was faster
    const provider = await reach(before)
    const tokens = await client.refreshTokenGrant(provider, before.refreshToken, { resource: before.audience }).catch(refused)
    return kept(before, tokens, before.refreshToken)
  })
  return login && new Secret(isEnrolled(login) ? login.token : login.accessToken)
}

/** Tells the provider that the login is over. */
export async function forget(login: ProviderLogin): Promise<void> {
  const provider = await reach(login)
  if (provider.serverMetadata().revocation_endpoint) await client.tokenRevocation(provider, login.refreshToken).catch(refused)
}

function isYoung({ refreshedAt }: ProviderLogin): boolean {
  const age = clock() - refreshedAt
  return age >= 0 && age < YOUNG_MS
}

function kept(
  { issuer, clientId, audience }: At,
  tokens: client.TokenEndpointResponse,
  before: string | undefined,
): ProviderLogin {
  const refreshToken = tokens.refresh_token ?? before
  if (refreshToken === undefined) {
    throw new BrokerError('auth.required', 'the provider gave no refresh token', {
      fix: 'allow the command line’s client the scope offline_access and the grant refresh_token',
    })
  }
  return { issuer, clientId, audience, refreshToken, accessToken: tokens.access_token, refreshedAt: clock() }
}

async function reach({ issuer, clientId }: At): Promise<client.Configuration> {
  const execute = /^http:\/\/(localhost|127\.[0-9.]+|\[::1\])(:|\/|$)/.test(issuer) ? [client.allowInsecureRequests] : []
  return client
    .discovery(new URL(issuer), clientId, undefined, client.None(), { execute, timeout: 10 })
    .catch((cause: unknown) => {
      throw new BrokerError('unavailable', `the identity provider ${issuer} does not answer`, { cause, fix: 'try again later' })
    })
}

function refused(cause: unknown): never {
  const { error } = cause as { error?: unknown }
  const said = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? `: ${error}` : ''
  throw new BrokerError('auth.required', `the identity provider did not sign you in${said}`, { cause, fix: 'latchkey login' })
}

function clock(): number {
  return performance.timeOrigin + performance.now()
}
