import { Inject, Injectable } from '@nestjs/common'
import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import type { Config } from '../../config.ts'
import { refuseOddJson } from '../../platform/json-shape.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import type { Claims } from './claims.ts'
import { Provider, unreachable } from './provider.ts'
import { signInConfig } from './sign-in-config.ts'

/** A token that is not what it must be. Its `reason` is for the trail, never for whoever brought it. */
export class TokenRefused extends Error {
  readonly code: string

  constructor(code: string, cause?: unknown) {
    super(`a token was refused: ${code}`, { cause })
    this.name = 'TokenRefused'
    this.code = code
  }
}

// Keys of the provider's alone, and no algorithm that takes a public key for a shared secret.
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA']
const LEEWAY_SECONDS = 5
const LARGEST_TOKEN = 16_384
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
    const payload = await this.verify(
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

  /** An access token for our API (RFC 9068). */
  async accessToken(token: string): Promise<Claims & { readonly iat: number; readonly sub: string }> {
    const { issuer, audience } = signInConfig(this.config)
    if (audience === undefined) throw new TokenRefused('no_audience_configured')
    const payload = await this.verify(
      token,
      {
        issuer,
        audience,
        requiredClaims: ['sub', 'exp', 'iat'],
        maxTokenAge: '1 day',
      },
      ['at+jwt'],
    )
    const { sub, iat, nonce } = payload
    if (typeof sub !== 'string' || sub === '' || typeof iat !== 'number') throw new TokenRefused('sub')
    if (nonce !== undefined || payload['events'] !== undefined) throw new TokenRefused('another_kind_of_token')
    return { ...payload, sub, iat }
  }

  /** OpenID Connect Back-Channel Logout 1.0, section 2.6. */
  async logoutToken(token: string): Promise<{ jti: string; exp: number; subject?: string; sid?: string }> {
    const { issuer, clientId } = signInConfig(this.config)
    const payload = await this.verify(
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

  private async verify(token: string, options: JWTVerifyOptions, types: readonly string[]): Promise<JWTPayload> {
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
      if (!types.some((one) => one.toLowerCase() === type)) throw new TokenRefused('typ')
      return payload
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

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
