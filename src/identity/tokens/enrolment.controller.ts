import { Body, Controller, Header, Param } from '@nestjs/common'
import { enrolments } from '../../contract/endpoints/people.ts'
import type { Enrolment, NewEnrolmentCode } from '../../contract/enrolment.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { type Caller, CurrentCaller } from '../callers/caller.ts'
import { Enrolments } from './enrolment.service.ts'

@Controller()
export class EnrolmentController {
  constructor(private readonly enrolments: Enrolments) {}

  @Endpoint(enrolments.create)
  create(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: enrolments.create.params.id }) userId: string,
    @Body({ schema: enrolments.create.body }) body: NewEnrolmentCode,
  ) {
    return this.enrolments.create(caller, userId, body)
  }

  @Endpoint(enrolments.withdraw)
  withdraw(@CurrentCaller() caller: Caller, @Param('id', { schema: enrolments.withdraw.params.id }) userId: string) {
    return this.enrolments.withdraw(caller, userId)
  }

  @Endpoint(enrolments.redeem)
  @Header('cache-control', 'no-store')
  redeem(@Body({ schema: enrolments.redeem.body }) body: Enrolment) {
    return this.enrolments.redeem(body)
  }
}
