import { createParamDecorator, type ExecutionContext } from '@nestjs/common'
import type { Request } from 'express'
import type { Id } from '../contract/id.ts'
import type { Role, Scope } from '../contract/identity.ts'
import { BrokerError } from '../sdk/index.ts'

/** Who makes the call, as the database knew them when it came. */
export interface Caller {
  readonly id: Id<'usr'>
  readonly name: string
  readonly roles: readonly Role[]
  readonly groupIds: readonly Id<'grp'>[]
  /** what they came with may be used for */
  readonly scopes: readonly Scope[]
  /** null when they came with something other than a token */
  readonly tokenId: Id<'tok'> | null
  /** who made that token: the same person, an admin for them, or null for the first one */
  readonly tokenMadeBy: Id<'usr'> | null
}

const callers = new WeakMap<Request, Caller>()

export function setCaller(request: Request, caller: Caller): void {
  callers.set(request, caller)
}

/** `@CurrentCaller() caller: Caller` */
export const CurrentCaller = createParamDecorator((_data: unknown, context: ExecutionContext): Caller => {
  const caller = callers.get(context.switchToHttp().getRequest<Request>())
  if (!caller) throw new TypeError('a public endpoint has no caller')
  return caller
})

export function isAdmin(caller: Caller): boolean {
  return caller.roles.includes('admin')
}

/** One answer for every reason, so that nobody learns which it was. */
export function unknownCaller(): BrokerError {
  return new BrokerError('auth.required', 'the call carries no valid credential', {
    fix: 'send authorization: Bearer lk_… with a token that has not expired and was not revoked',
  })
}
