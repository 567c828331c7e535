import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common'
import type { Request } from 'express'
import { catchError, from, type Observable, switchMap, throwError } from 'rxjs'
import { BrokerError, ERRORS } from '../../sdk/index.ts'
import { callerOf } from '../callers/caller.ts'
import { Refusals } from '../refusals/refusals.ts'

/** Writes down what somebody known was not allowed to do, where an endpoint itself finds that out. */
@Injectable()
export class RefusedCalls implements NestInterceptor {
  constructor(private readonly refusals: Refusals) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<Request>()
    return next.handle().pipe(
      catchError((error: unknown) => {
        const caller = callerOf(request)
        if (!caller || !isForbidden(error)) return throwError(() => error)
        return from(this.refusals.note('call', error, caller.id, { call: nameOf(request) })).pipe(
          switchMap(() => throwError(() => error)),
        )
      }),
    )
  }
}

export function isForbidden(error: unknown): error is BrokerError {
  return error instanceof BrokerError && ERRORS[error.code].status === 403
}

/** By its route: no id and nothing else that somebody chose. */
export function nameOf({ method, route }: Request): string {
  return `${method} ${(route as { path?: string } | undefined)?.path ?? ''}`
}
