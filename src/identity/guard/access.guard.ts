import { type CanActivate, type ExecutionContext, Inject, Injectable, type OnModuleInit } from '@nestjs/common'
import type { Request, Response } from 'express'
import type { Config } from '../../config/config.ts'
import type { AllowedFor } from '../../contract/endpoints/endpoint.ts'
import { DELEGATED_SCOPES, type Scope } from '../../contract/identity.ts'
import { declarationOf } from '../../platform/http/allowed-for.ts'
import { calledWith } from '../../platform/http/call.ts'
import { InvalidInput } from '../../platform/http/input-pipe.ts'
import { RouteTable } from '../../platform/http/route-table.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { BrokerError, isBrokerError } from '../../sdk/index.ts'
import { setCaller } from '../callers/caller.ts'
import { mustBeSameOrigin } from '../callers/same-origin.ts'
import { Refusals } from '../refusals/refusals.ts'
import { TokenRefused } from '../refusals/token-refused.ts'
import { ScimAuthentication } from '../scim/scim-authentication.ts'
import { Authentication, type Credential, type Recognised } from './authentication.ts'
import { Freshness } from './freshness.ts'
import { nameOf } from './refused-calls.ts'

/** Stands before every endpoint: who calls, and whether they may. */
@Injectable()
export class AccessGuard implements CanActivate, OnModuleInit {
  constructor(
    private readonly routes: RouteTable,
    private readonly authentication: Authentication,
    private readonly freshness: Freshness,
    private readonly scim: ScimAuthentication,
    private readonly refusals: Refusals,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** An endpoint that does not say who may call it is a mistake nobody should find out about in production. */
  onModuleInit(): void {
    const undeclared = this.routes.routes.filter(({ handler, controller }) => !declarationOf(handler, controller))
    if (undeclared.length === 0) return
    const names = undeclared.map(({ controller, handler }) => `${controller.name}.${handler.name}`)
    throw new TypeError(`these endpoints have neither @Access nor @Public: ${names.join(', ')}`)
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<Request>()
    const declared = declarationOf(context.getHandler(), context.getClass())
    if (declared === undefined) throw new TypeError('an endpoint was added after the start')
    if (declared !== 'public') context.switchToHttp().getResponse<Response>().setHeader('Cache-Control', 'no-store')
    if (declared === 'scim') await this.scim.admit(request)
    else if (declared !== 'public') {
      const { scope, roles, own, fresh = scope === 'manage' && request.method !== 'GET' } = declared
      const recognised = await this.callerOf(request, fresh)
      const refusal = refusalOf(recognised, { scope, roles, own })
      if (refusal) {
        await this.refusals.note('call', refusal, recognised.caller.id, { call: nameOf(request) })
        throw refusal
      }
      setCaller(request, recognised.caller)
    }
    this.refuseStrayQuery(request, context)
    return true
  }

  private async callerOf(request: Request, fresh: boolean): Promise<Recognised> {
    const recognised = await this.recognise(request)
    calledWith(recognised.caller.id, recognised.caller.cameWith, recognised.caller.tokenMakers)
    if (recognised.credential.kind === 'session') mustBeSameOrigin(request, this.config)
    if (!fresh) return recognised
    return (await this.freshness.confirm(recognised)) ? this.authentication.recognise(request) : recognised
  }

  /** A token of ours that is none, or none any more, is written down. A caller who brings nothing tried nothing. */
  private async recognise(request: Request): Promise<Recognised> {
    try {
      return await this.authentication.recognise(request)
    } catch (error) {
      if (isBrokerError(error, 'auth.required') && /^Bearer lks?_/i.test(request.headers.authorization ?? '')) {
        await this.refusals.note('token', new TokenRefused('no_live_token'))
      }
      throw error
    }
  }

  /** A parameter that nothing reads is a filter its sender believes in. */
  private refuseStrayQuery(request: Request, context: ExecutionContext): void {
    const stray = Object.keys(request.query)
    if (stray.length === 0) return
    const route = this.routes.routes.find(
      ({ handler, controller }) => handler === context.getHandler() && controller === context.getClass(),
    )
    if (route && !route.takesQuery) {
      throw new InvalidInput(stray.map((field) => ({ field, message: 'is not a known field' })))
    }
  }
}

function refusalOf(
  { caller, credential }: Recognised,
  { scope, roles, own = false }: Pick<AllowedFor, 'scope' | 'roles' | 'own'>,
): BrokerError | undefined {
  if (credential.kind === 'token' && credential.delegated && (own || !isDelegated(scope))) return notTheirOwn()
  if (!caller.scopes.includes(scope)) {
    return new BrokerError('auth.forbidden', `the token has no scope ${scope}`, { fix: fixOf(scope, credential) })
  }
  if (!roles || roles.some((role) => caller.roles.includes(role))) return undefined
  return new BrokerError('auth.forbidden', `only people with the role ${roles.join(' or ')} may do this`)
}

function fixOf(scope: Scope, { kind }: Credential): string {
  if (kind !== 'jwt') return `use a token with the scope ${scope}`
  return `sign in again (latchkey login). If that does not help, ask an admin: LATCHKEY_OIDC_API_SCOPES must map a scope that the provider grants you to ${scope}`
}

function isDelegated(scope: Scope): boolean {
  return DELEGATED_SCOPES.some((one) => one === scope)
}

function notTheirOwn(): BrokerError {
  return new BrokerError(
    'auth.forbidden',
    'another person made this token for you, so it cannot decide, manage or open anything',
    {
      fix: 'use a token of your own: sign in, or ask an admin for an enrolment code (latchkey login --code)',
    },
  )
}
