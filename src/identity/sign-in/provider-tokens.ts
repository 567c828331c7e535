import { Inject, Injectable } from '@nestjs/common'
import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import type { Config } from '../../config/config.ts'
import { refuseOddJson } from '../../platform/http/json-shape.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { TokenRefused } from '../refusals/token-refused.ts'
import type { Claims } from './claims.ts'
import { Provider, unreachable } from './provider.ts'
import { isServiceAccount } from './service-accounts.ts'
import { signInConfig } from './sign-in-config.ts'

// Keys of the provider's alone, and no algorithm that takes a public key for a shared secret.
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA']
const LEEWAY_SECONDS = 5
const LARGEST_TOKEN = 49_152
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** Tells the provider's tokens from everything else, and its three kinds from each other. */
@Injectable()
export class ProviderTokens {
  constructor(
    private readonly provider: Provider,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** The signature of an ID token whose claims openid-client has checked against this sign-in, and that it is one. */
  async idToken(token: string): Promise<Claims> {
    const { issuer, clientId } = signInConfig(this.config)
    const { payload } = await this.verify(
      token,
      {
        issuer,
        audience: clientId,
        requiredClaims: ['sub', 'exp', 'iat'],
        maxTokenAge: '10 minutes',
      },
      ['JWT'],
    )
    if (payload['events'] !== undefined) throw new TokenRefused('logout_token_as_id_token')
    if (payload['azp'] !== undefined && payload['azp'] !== clientId) throw new TokenRefused('azp')
    return payload
  }

  /** An access token for our API: of RFC 9068, or what a provider gives instead, if it is told apart from an ID token otherwise. */
  async accessToken(token: string): Promise<Claims & { readonly iat: number; readonly sub: string }> {
    const { issuer, audience, accessTokenType = 'at+jwt' } = signInConfig(this.config)
    if (audience === undefined) throw new TokenRefused('no_audience_configured')
    const requiredClaims = ['sub', 'exp', 'iat']
    const types = accessTokenType === 'jwt' ? ['at+jwt', 'JWT'] : ['at+jwt']
    const { payload, type } = await this.verify(token, { issuer, audience, requiredClaims, maxTokenAge: '1 day' }, types)
    const { sub, iat, nonce } = payload
    if (typeof sub !== 'string' || sub === '' || typeof iat !== 'number') throw new TokenRefused('sub')
    const isOther = nonce !== undefined || payload['events'] !== undefined || (type !== 'at+jwt' && !saysWhatFor(payload))
    if (isOther) throw new TokenRefused('another_kind_of_token', undefined, sub)
    if (isServiceAccount(payload)) throw new TokenRefused('service_account', undefined, sub)
    if (type !== 'at+jwt') this.mustBeForTheCommandLine(payload)
    return { ...payload, sub, iat }
  }

  /** Where its header does not say what a token is, only the program we know may bring it. */
  private mustBeForTheCommandLine(payload: JWTPayload): void {
    const { cliClientId } = signInConfig(this.config)
    const clients = ['azp', 'client_id', 'cid', 'appid'].flatMap((claim) => payload[claim] ?? [])
    const isOurs = clients.length > 0 && clients.every((one) => one === cliClientId)
    if (!isOurs) throw new TokenRefused('azp', undefined, payload.sub)
  }

  /** OpenID Connect Back-Channel Logout 1.0, section 2.6. */
  async logoutToken(token: string): Promise<{ jti: string; exp: number; subject?: string; sid?: string }> {
    const { issuer, clientId } = signInConfig(this.config)
    const { payload } = await this.verify(
      token,
      {
        issuer,
        audience: clientId,
        requiredClaims: ['iat', 'exp', 'jti', 'events'],
        maxTokenAge: '10 minutes',
      },
      ['logout+jwt', 'JWT'],
    )
    const { sub, sid, jti, exp, events, nonce } = payload as JWTPayload & { sid?: unknown; events?: unknown; nonce?: unknown }
    if (nonce !== undefined) throw new TokenRefused('nonce')
    if (!isObject(events) || !isObject(events[LOGOUT_EVENT])) throw new TokenRefused('events')
    if (typeof jti !== 'string' || jti === '' || jti.length > 255) throw new TokenRefused('jti')
    if (sid !== undefined && typeof sid !== 'string') throw new TokenRefused('sid')
    if (sub === undefined && sid === undefined) throw new TokenRefused('sub')
    return { jti, exp: exp ?? 0, subject: sub, sid }
  }

  private async verify(
    token: string,
    options: JWTVerifyOptions,
    types: readonly string[],
  ): Promise<{ payload: JWTPayload; type: string }> {
    if (token.length > LARGEST_TOKEN) throw new TokenRefused('too_large')
    for (const part of token.split('.').slice(0, 2)) refuseOddPart(part)
    const { keys } = await this.provider.get()
    try {
      const { payload, protectedHeader } = await jwtVerify(token, keys, {
        ...options,
        algorithms: ALGORITHMS,
        clockTolerance: LEEWAY_SECONDS,
      })
      const type = (protectedHeader.typ ?? 'JWT').replace(/^application\//i, '').toLowerCase()
      if (!types.some((one) => one.toLowerCase() === type)) throw new TokenRefused('typ', undefined, payload.sub)
      return { payload, type }
    } catch (error) {
      if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout)) throw new TokenRefused(error.code, error)
      throw error instanceof TokenRefused ? error : unreachable(error)
    }
  }
}

// Of a subject that is there twice, each reader of JSON would see another one.
function refuseOddPart(part: string): void {
  try {
    refuseOddJson(Buffer.from(part, 'base64url').toString('utf8'))
  } catch (cause) {
    throw new TokenRefused('odd_json', cause)
  }
}

/** An access token says what it may be used for, and is not tied to another token, as an ID token is. Keycloak says in `typ` what it is. */
function saysWhatFor(payload: JWTPayload): boolean {
  const { scope, scp, typ } = payload as { scope?: unknown; scp?: unknown; typ?: unknown }
  const isTied = ['at_hash', 'c_hash', 's_hash'].some((claim) => claim in payload)
  return (scope !== undefined || scp !== undefined) && !isTied && (typ === undefined || typ === 'Bearer')
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
