import { createParamDecorator, type ExecutionContext, Injectable } from '@nestjs/common'
import type { Request } from 'express'
import { calledWith } from '../../platform/http/call.ts'
import { Database, row, rows } from '../../platform/postgres/database.ts'
import { BrokerError, isBrokerError } from '../../sdk/index.ts'
import { Refusals } from '../refusals/refusals.ts'
import { TokenRefused } from '../refusals/token-refused.ts'
import { hashOf } from '../tokens/api-token.ts'

/** The identity provider, by the token it came with. */
export interface ScimClient {
  /** who the audit trail says it was */
  readonly actor: `scim:${string}`
}

const clients = new WeakMap<Request, ScimClient>()

/** `@CurrentScimClient() client: ScimClient` */
export const CurrentScimClient = createParamDecorator((_data: unknown, context: ExecutionContext): ScimClient => {
  const client = clients.get(context.switchToHttp().getRequest<Request>())
  if (!client) throw new TypeError('an endpoint that is not for SCIM has no SCIM client')
  return client
})

/** Lets in everybody who brings a live SCIM token. No person's token, session or JWT opens SCIM, and a SCIM token opens nothing else. */
@Injectable()
export class ScimAuthentication {
  constructor(
    private readonly database: Database,
    private readonly refusals: Refusals,
  ) {}

  /** Throws `auth.required` for everything else, and writes down the caller who brought something. */
  async admit(request: Request): Promise<void> {
    try {
      await this.recognise(request)
    } catch (error) {
      const brought = request.headers.authorization !== undefined
      if (brought && isBrokerError(error, 'auth.required')) await this.refusals.note('scim', new TokenRefused('no_live_token'))
      throw error
    }
  }

  private async recognise(request: Request): Promise<void> {
    const [authorization = '', ...more] = request.headersDistinct['authorization'] ?? []
    const token = /^Bearer (lks_[0-9A-Za-z]{43})$/i.exec(authorization)?.[1]
    // Of two, a proxy before us may have looked at the other one.
    if (token === undefined || more.length > 0) throw unknownClient()
    const found = await row<{ id: string; makers: string[]; isStale: boolean }>(
      this.database.pool,
      `select id, makers, last_used_at is null or last_used_at < now() - interval '1 minute' as "isStale" from scim_tokens
       where hash = $1 and revoked_at is null and expires_at > now()`,
      [hashOf(token)],
    )
    if (!found) throw unknownClient()
    if (found.isStale) {
      await rows(
        this.database.pool,
        `update scim_tokens set last_used_at = now()
         where id = (select id from scim_tokens where id = $1 for no key update skip locked)`,
        [found.id],
      )
    }
    calledWith(`scim:${found.id}`, found.id, found.makers)
    clients.set(request, { actor: `scim:${found.id}` })
  }
}

function unknownClient(): BrokerError {
  return new BrokerError('auth.required', 'the call carries no valid SCIM token', {
    fix: 'send authorization: Bearer lks_… with a SCIM token that is neither expired nor revoked',
  })
}
