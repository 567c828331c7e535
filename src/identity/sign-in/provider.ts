import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common'
import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose'
import * as client from 'openid-client'
import type { Config } from '../../config/config.ts'
import { parseIssuer } from '../../config/identity-provider.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { BrokerError, isBrokerError } from '../../sdk/index.ts'
import { ProviderFetch } from './provider-fetch.ts'
import { signInConfig } from './sign-in-config.ts'

export interface Discovered {
  readonly client: client.Configuration
  /** its public keys, fetched again when a token names one we have not seen */
  readonly keys: JWTVerifyGetKey
}

/** Set by `dev/idp/idp.ts` in its discovery document: everybody who knows a name may sign in there. */
const DEVELOPMENT_MARK = 'latchkey_development'
const DOCUMENT = '/.well-known/openid-configuration'
const KEYS_COOLDOWN_MS = 1000
const READ_AGAIN_COOLDOWN_MS = 1000

/** The identity provider as it describes itself. The daemon starts while it is down; nobody gets in while it is. */
@Injectable()
export class Provider implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger(Provider.name)
  private readonly fetch = new ProviderFetch((url) => {
    this.isSuspect ||= !url.endsWith(DOCUMENT)
    this.readAgain()
  })
  private discovered: Promise<Discovered> | undefined
  private readAt = 0
  private isReading = false
  /** an endpoint was not where it should be */
  private isSuspect = false

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** A development provider stops the start; one that does not answer does not. */
  async onApplicationBootstrap(): Promise<void> {
    if (!this.config.oidc) return
    await this.get().catch((error: unknown) => {
      if (isBrokerError(error, 'conflict')) throw error
      this.log.warn({ error }, isBrokerError(error) ? error.message : 'the identity provider does not answer yet')
    })
  }

  async onApplicationShutdown(): Promise<void> {
    await this.fetch.close()
  }

  /** Throws `unavailable` while the provider cannot be asked; the next call asks again. */
  async get(): Promise<Discovered> {
    signInConfig(this.config) // refused before anything is begun
    this.discovered ??= this.discover().catch((error: unknown) => {
      this.discovered = undefined
      throw error instanceof BrokerError ? error : unreachable(error)
    })
    this.readAgain()
    return this.discovered
  }

  /** Providers move their endpoints. What was read before serves until the document has been read again. */
  private readAgain(): void {
    const { metadataMinutes = 60 } = signInConfig(this.config)
    const age = performance.now() - this.readAt
    const isDue = age > metadataMinutes * 60_000 || (this.isSuspect && age > READ_AGAIN_COOLDOWN_MS)
    if (!isDue || this.isReading || this.readAt === 0) return
    this.isReading = true
    this.discover()
      .then(
        (found) => {
          this.discovered = Promise.resolve(found)
        },
        (error: unknown) => {
          this.readAt = performance.now()
          this.log.warn({ error }, 'the identity provider’s discovery document could not be read again')
        },
      )
      .finally(() => {
        this.isReading = false
      })
  }

  private async discover(): Promise<Discovered> {
    const { issuer, clientId, clientSecret } = signInConfig(this.config)
    const found = await client
      .discovery(new URL(issuer), clientId, {}, authenticatedWith(clientSecret.reveal()), {
        // A plain http issuer is on the loopback, or the configuration had refused it.
        execute: issuer.startsWith('http:') ? [client.allowInsecureRequests] : [],
        [client.customFetch]: this.fetch.fetch,
      })
      .catch((error: unknown) => {
        throw misnamed(issuer, error) ?? error
      })
    const metadata = found.serverMetadata()
    if (metadata[DEVELOPMENT_MARK] !== undefined && !this.config.development) {
      throw new BrokerError('conflict', `${issuer} is a development provider: it asks for no password`, {
        fix: 'set LATCHKEY_OIDC_ISSUER to the company’s provider; only LATCHKEY_DEVELOPMENT=true may use this one',
      })
    }
    if (metadata.issuer !== issuer) throw wrongIssuer(issuer, metadata.issuer)
    if (metadata.jwks_uri === undefined) {
      throw new BrokerError('unavailable', 'the identity provider’s discovery document names no keys', {
        fix: 'check that LATCHKEY_OIDC_ISSUER is an OpenID Connect provider',
      })
    }
    const keys = createRemoteJWKSet(new URL(metadata.jwks_uri), {
      cooldownDuration: KEYS_COOLDOWN_MS,
      [customFetch]: this.fetch.fetch,
    })
    this.readAt = performance.now()
    this.isSuspect = false
    return { client: found, keys }
  }
}

/** By header, as the standard prefers, unless the provider takes the secret in the form alone. */
function authenticatedWith(secret: string): client.ClientAuth {
  const [basic, post] = [client.ClientSecretBasic(secret), client.ClientSecretPost(secret)]
  return (server, ...rest) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    const isPost = !methods.includes('client_secret_basic') && methods.includes('client_secret_post')
    return (isPost ? post : basic)(server, ...rest)
  }
}

/** A mistake that lasts, and no outage; undefined when it is something else. */
function misnamed(issuer: string, error: unknown): BrokerError | undefined {
  const { code, cause } = error as {
    code?: unknown
    cause?: { attribute?: unknown; body?: { issuer?: unknown }; status?: unknown }
  }
  if (code === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED' && cause?.attribute === 'issuer')
    return wrongIssuer(issuer, cause.body?.issuer)
  if (cause?.status !== 404) return undefined
  return new BrokerError('unavailable', `there is no identity provider at ${issuer}: it answers 404 for its discovery document`, {
    cause: error,
    fix: `set LATCHKEY_OIDC_ISSUER to what stands before ${DOCUMENT} in the provider’s address, letter by letter`,
  })
}

function wrongIssuer(issuer: string, said: unknown): BrokerError {
  const name = typeof said === 'string' && said.length <= 300 && /^[!-~]+$/.test(said) ? parseIssuer(said) : undefined
  return new BrokerError(
    'unavailable',
    `LATCHKEY_OIDC_ISSUER is ${issuer}, but the provider there calls itself ${name ?? 'by another name'}`,
    {
      fix:
        name === undefined
          ? 'set LATCHKEY_OIDC_ISSUER exactly as in the provider’s discovery document'
          : `set LATCHKEY_OIDC_ISSUER=${name}`,
    },
  )
}

export function unreachable(cause: unknown): BrokerError {
  return new BrokerError('unavailable', 'the identity provider gave an answer that the broker cannot use', {
    cause,
    fix: 'try again; if it goes on, ask the operator of the broker, whose log has the cause',
  })
}
