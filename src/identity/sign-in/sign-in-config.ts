import type { Config } from '../../config/config.ts'
import type { IdentityProvider } from '../../config/identity-provider.ts'
import { BrokerError } from '../../sdk/index.ts'

/** Of the provider people sign in at. Throws `not_found` where there is none. */
export function signInConfig({ oidc }: Config): IdentityProvider {
  if (oidc) return oidc
  throw new BrokerError('not_found', 'this broker has no identity provider', {
    fix: 'set LATCHKEY_OIDC_ISSUER, or use an API token',
  })
}

/** Where people reach us, as the provider and their browsers write it. */
export function publicOrigin({ publicUrl }: Config): string {
  if (publicUrl === undefined) throw new TypeError('a broker with an identity provider knows its own address')
  return publicUrl
}
