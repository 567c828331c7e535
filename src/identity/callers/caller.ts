import { createParamDecorator, type ExecutionContext } from '@nestjs/common'
import type { Request } from 'express'
import type { Id } from '../../contract/id.ts'
import type { Role, Scope } from '../../contract/identity.ts'
import { BrokerError } from '../../sdk/index.ts'

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
  /** the token or session they came with, by its id; of the provider's own access token, which has none here, a digest */
  readonly cameWith: string
  /** in whose hands that token may be besides: who made it, and who made the tokens it was made with */
  readonly tokenMakers: readonly string[]
}

const callers = new WeakMap<Request, Caller>()

export function setCaller(request: Request, caller: Caller): void {
  callers.set(request, caller)
}

/** undefined at a public endpoint, and for a caller who was not let in */
export function callerOf(request: Request): Caller | undefined {
  return callers.get(request)
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

/** Who runs or checks the broker is shown what belongs to others. */
export function seesAll(caller: Caller): boolean {
  return caller.roles.some((role) => role === 'admin' || role === 'auditor' || role === 'owner')
}

/** What is somebody else's is an admin's business with a token that may manage, and not with one that reads. */
export function mustManage(caller: Caller): void {
  if (caller.scopes.includes('manage')) return
  throw new BrokerError('auth.forbidden', 'the token has no scope manage, which is needed for what belongs to other people', {
    fix: 'use a token with the scope manage',
  })
}

/** One answer for every reason, so that nobody learns which it was. */
export function unknownCaller(): BrokerError {
  return new BrokerError('auth.required', 'the call carries no valid credential', {
    fix: 'send authorization: Bearer lk_… with a token that is neither expired nor revoked; if you use sign-in, sign in again',
  })
}
