import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common'
import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose'
import * as client from 'openid-client'
import type { Config } from '../../config.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { BrokerError, isBrokerError } from '../../sdk/index.ts'
import { ProviderFetch } from './provider-fetch.ts'
import { signInConfig } from './sign-in-config.ts'

export interface Discovered {
  readonly client: client.Configuration
  /** its public keys, fetched anew when a token names one we have not seen */
  readonly keys: JWTVerifyGetKey
}

/** Set by `dev/idp.ts` in its discovery document: whoever knows a name may sign in there. */
const DEVELOPMENT_MARK = 'latchkey_development'
const KEYS_COOLDOWN_MS = 1000

/** The identity provider as it describes itself. The daemon starts while it is down; nobody gets in while it is. */
@Injectable()
export class Provider implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger(Provider.name)
  private readonly fetch = new ProviderFetch()
  private discovered: Promise<Discovered> | undefined

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** A development provider stops the start; one that does not answer does not. */
  async onApplicationBootstrap(): Promise<void> {
    if (!this.config.oidc) return
    await this.get().catch((error: unknown) => {
      if (isBrokerError(error, 'conflict')) throw error
      this.log.warn({ error }, 'the identity provider does not answer yet')
    })
  }

  async onApplicationShutdown(): Promise<void> {
    await this.fetch.close()
  }

  /** Throws `unavailable` while the provider cannot be asked; the next call asks again. */
  get(): Promise<Discovered> {
    this.discovered ??= this.discover().catch((error: unknown) => {
      this.discovered = undefined
      throw error instanceof BrokerError ? error : unreachable(error)
    })
    return this.discovered
  }

  private async discover(): Promise<Discovered> {
    const { issuer, clientId, clientSecret } = signInConfig(this.config)
    const secret = client.ClientSecretBasic(clientSecret.reveal())
    const found = await client.discovery(new URL(issuer), clientId, {}, secret, {
      // A plain http issuer is on the loopback, or the configuration had refused it.
      execute: issuer.startsWith('http:') ? [client.allowInsecureRequests] : [],
      [client.customFetch]: this.fetch.fetch,
    })
    const metadata = found.serverMetadata()
    if (metadata[DEVELOPMENT_MARK] !== undefined && !this.config.development) {
      throw new BrokerError('conflict', `${issuer} is a development provider: it asks nobody for a password`, {
        fix: 'set LATCHKEY_OIDC_ISSUER to the company’s provider; only LATCHKEY_DEVELOPMENT=true may use this one',
      })
    }
    if (metadata.issuer !== issuer || metadata.jwks_uri === undefined) {
      throw new BrokerError('unavailable', 'the provider calls itself by another name, or has no keys', {
        fix: 'write LATCHKEY_OIDC_ISSUER exactly as the provider’s discovery document does',
      })
    }
    const keys = createRemoteJWKSet(new URL(metadata.jwks_uri), {
      cooldownDuration: KEYS_COOLDOWN_MS,
      [customFetch]: this.fetch.fetch,
    })
    return { client: found, keys }
  }
}

export function unreachable(cause: unknown): BrokerError {
  return new BrokerError('unavailable', 'the identity provider does not answer as it should', {
    cause,
    fix: 'try again; if it lasts, whoever runs the broker finds the cause in its log',
  })
}
