import { type CanActivate, type ExecutionContext, Injectable, type OnModuleInit } from '@nestjs/common'
import type { Request } from 'express'
import { declarationOf } from '../platform/access.ts'
import { InvalidInput } from '../platform/input-pipe.ts'
import { RouteTable } from '../platform/route-table.ts'
import { BrokerError } from '../sdk/index.ts'
import { Authentication } from './authentication.ts'
import { setCaller } from './caller.ts'

/** Stands before every endpoint: who calls, and whether they may. */
@Injectable()
export class AccessGuard implements CanActivate, OnModuleInit {
  constructor(
    private readonly routes: RouteTable,
    private readonly authentication: Authentication,
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
    if (declared !== 'public') {
      // Of two, a proxy before us may have looked at the other one.
      const [authorization, ...more] = request.headersDistinct['authorization'] ?? []
      const caller = await this.authentication.callerOf(more.length === 0 ? authorization : undefined)
      const { scope, roles } = declared
      if (!caller.scopes.includes(scope)) {
        throw new BrokerError('auth.forbidden', `the token has no scope ${scope}`, { fix: `use a token with scope ${scope}` })
      }
      if (roles && !roles.some((role) => caller.roles.includes(role))) {
        throw new BrokerError('auth.forbidden', `this is for people with the role ${roles.join(' or ')}`)
      }
      setCaller(request, caller)
    }
    this.refuseStrayQuery(request, context)
    return true
  }

  /** A parameter that nothing reads is a filter its sender believes in. */
  private refuseStrayQuery(request: Request, context: ExecutionContext): void {
    const stray = Object.keys(request.query)
    if (stray.length === 0) return
    const route = this.routes.routes.find(
      ({ handler, controller }) => handler === context.getHandler() && controller === context.getClass(),
    )
    if (route && !route.takesQuery) {
      throw new InvalidInput(stray.map((field) => ({ field, message: 'is not known here' })))
    }
  }
}
