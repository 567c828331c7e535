import { type CallHandler, type ExecutionContext, HttpStatus, Injectable, type NestInterceptor } from '@nestjs/common'
import type { Response } from 'express'
import { map, type Observable } from 'rxjs'
import type { ProposalView } from '../contract/proposals.ts'

/** What a service answers instead of the change: it waits for a second person. */
export class Held {
  constructor(readonly proposal: ProposalView) {}
}

/** The caller is told with 202, and shown the proposal. */
@Injectable()
export class HeldAsAccepted implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      map((answer: unknown) => {
        if (!(answer instanceof Held)) return answer
        context.switchToHttp().getResponse<Response>().status(HttpStatus.ACCEPTED)
        return answer.proposal
      }),
    )
  }
}
