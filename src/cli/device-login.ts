import * as client from 'openid-client'
import { BrokerError, Secret } from '../sdk/index.ts'
import { changeLogin, isEnrolled, type ProviderLogin, readLogin } from './stored-login.ts'

export interface At {
  readonly issuer: string
  readonly clientId: string
  readonly audience: string
  /** what the provider wants to be told with every call; of logins older than this field, the audience */
  readonly resource?: string | null | undefined
}

/** The provider asks that of a person who decides: a token younger than the broker's minute. */
const YOUNG_MS = 45_000

/** Signs somebody in who uses another device, or another window, for it. `ask` shows them where to go. */
export async function deviceLogin(
  at: At,
  scopes: string,
  ask: (at: { url: string; plainUrl: string; code: string }) => void,
  signal?: AbortSignal,
): Promise<ProviderLogin> {
  const provider = await reach(at)
  const device = await client.initiateDeviceAuthorization(provider, { scope: scopes, ...resourceOf(at) }).catch(refused)
  const { verification_uri: plainUrl, verification_uri_complete: url = plainUrl, user_code: code } = device
  ask({ url, plainUrl, code })
  const tokens = await client.pollDeviceAuthorizationGrant(provider, device, resourceOf(at), { signal }).catch(refused)
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
    const tokens = await client.refreshTokenGrant(provider, before.refreshToken, resourceOf(before)).catch(refused)
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

function resourceOf({ audience, resource = audience }: At): Record<string, string> {
  return resource === null ? {} : { resource }
}

function kept(
  { issuer, clientId, audience, resource }: At,
  tokens: client.TokenEndpointResponse,
  before: string | undefined,
): ProviderLogin {
  const refreshToken = tokens.refresh_token ?? before
  if (refreshToken === undefined) {
    throw new BrokerError('auth.required', 'the identity provider gave no refresh token', {
      fix: 'allow the command line’s client refresh tokens; many providers want offline_access in LATCHKEY_OIDC_CLI_SCOPES for that',
    })
  }
  return { issuer, clientId, audience, resource, refreshToken, accessToken: tokens.access_token, refreshedAt: clock() }
}

async function reach({ issuer, clientId }: At): Promise<client.Configuration> {
  const execute = /^http:\/\/(localhost|127\.[0-9.]+|\[::1\])(:|\/|$)/.test(issuer) ? [client.allowInsecureRequests] : []
  return client
    .discovery(new URL(issuer), clientId, undefined, client.None(), { execute, timeout: 10, ...(await throughProxy()) })
    .catch((cause: unknown) => {
      throw new BrokerError('unavailable', `the identity provider ${issuer} does not answer`, { cause, fix: 'try again later' })
    })
}

/** As the daemon does: the company's proxy, where the environment names one. */
async function throughProxy(): Promise<{ [client.customFetch]?: client.CustomFetch }> {
  const { HTTPS_PROXY, https_proxy, HTTP_PROXY, http_proxy } = process.env
  if (!(HTTPS_PROXY || https_proxy || HTTP_PROXY || http_proxy)) return {}
  const { EnvHttpProxyAgent, fetch } = await import('undici')
  const dispatcher = new EnvHttpProxyAgent()
  return {
    [client.customFetch]: ((url: string, options: object) =>
      fetch(url, { ...options, dispatcher })) as unknown as client.CustomFetch,
  }
}

function refused(cause: unknown): never {
  const { error } = cause as { error?: unknown }
  const said = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? `: ${error}` : ''
  throw new BrokerError('auth.required', `the identity provider did not sign you in${said}`, { cause, fix: 'latchkey login' })
}

function clock(): number {
  return performance.timeOrigin + performance.now()
}
