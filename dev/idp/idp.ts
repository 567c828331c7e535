import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Configuration, errors, Provider } from 'oidc-provider'
import { claimsOf, DEVELOPMENT_ACCOUNTS, type DevelopmentAccount } from './idp-accounts.ts'
import { answerInteraction } from './idp-interaction.ts'

export interface DevelopmentProviderOptions {
  /** where the broker is reached, without a final slash */
  readonly brokerUrl: string
  readonly port?: number
  readonly accounts?: Readonly<Record<string, DevelopmentAccount>>
}

export interface DevelopmentProvider {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly cliClientId: string
  readonly audience: string
  readonly apiScopes: Readonly<Record<string, string>>
  /** by subject; may be changed at any time, as people and their groups do */
  readonly accounts: Map<string, DevelopmentAccount>
  close(): Promise<void>
}

export const DEVELOPMENT_AUDIENCE = 'urn:latchkey:api'
/** the broker's scope → what an access token is granted for it */
const API_SCOPES = {
  request: 'latchkey.request',
  approve: 'latchkey.approve',
  manage: 'latchkey.manage',
  audit: 'latchkey.audit',
} as const
const CLIENT = { id: 'latchkey', secret: 'development-only' }
const CLI_CLIENT = 'latchkey-cli'

/** An identity provider for demo and tests: everybody who knows a name may sign in. Its discovery document says what it is. */
export async function startDevelopmentProvider(options: DevelopmentProviderOptions): Promise<DevelopmentProvider> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const accounts = new Map(Object.entries(options.accounts ?? DEVELOPMENT_ACCOUNTS))
  const provider = new Provider(issuer, configurationOf(options.brokerUrl, accounts))
  const answer = provider.callback()
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const answered = request.url?.startsWith('/interaction/')
      ? answerInteraction(provider, accounts, request, response)
      : answer(request, response)
    answered.catch(() => response.writeHead(500).end())
  })
  return {
    issuer,
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    cliClientId: CLI_CLIENT,
    audience: DEVELOPMENT_AUDIENCE,
    apiScopes: API_SCOPES,
    accounts,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function configurationOf(brokerUrl: string, accounts: Map<string, DevelopmentAccount>): Configuration {
  return {
    discovery: { latchkey_development: true },
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [`${brokerUrl}/auth/callback`],
        post_logout_redirect_uris: [`${brokerUrl}/`],
        backchannel_logout_uri: `${brokerUrl}/auth/back-channel-logout`,
        backchannel_logout_session_required: true,
      },
      {
        client_id: CLI_CLIENT,
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    claims: {
      openid: ['sub', 'sid'],
      profile: ['name', 'preferred_username', 'department', 'manager', 'groups'],
      email: ['email', 'email_verified'],
    },
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    // Groups come from userinfo, as with most providers.
    conformIdTokenClaims: true,
    findAccount: (_context, subject) =>
      accounts.has(subject) ? { accountId: subject, claims: () => claimsOf(accounts, subject) } : undefined,
    extraTokenClaims: (_context, token) => {
      const subject = 'accountId' in token ? token.accountId : undefined
      return subject === undefined || !accounts.has(subject) ? undefined : { ...claimsOf(accounts, subject), sub: undefined }
    },
    issueRefreshToken: (_context, client) => client.grantTypeAllowed('refresh_token'),
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      deviceFlow: { enabled: true },
      backchannelLogout: { enabled: true },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => {
          if (resource !== DEVELOPMENT_AUDIENCE) throw new errors.InvalidTarget()
          const scope = ['openid profile email', ...Object.values(API_SCOPES)].join(' ')
          return { scope, audience: DEVELOPMENT_AUDIENCE, accessTokenFormat: 'jwt', accessTokenTTL: 600 }
        },
      },
    },
    jwks: { keys: [signingKey()] },
    // Its own way refuses the loopback, where the broker is.
    fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }),
    cookies: { keys: ['development-only'] },
    pkce: { required: () => true },
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      DeviceCode: 600,
      Grant: 86_400,
      IdToken: 600,
      Interaction: 600,
      RefreshToken: 86_400,
      Session: 86_400,
    },
  }
}

function signingKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: 'RS256' } as const
}
