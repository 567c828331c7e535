import { Body, Controller, Delete, Header, HttpCode, Param, Post } from '@nestjs/common'
import { ApiCreatedResponse, ApiNoContentResponse, ApiTags } from '@nestjs/swagger'
import { type Enrolment, enrolment, enrolmentCode, type NewEnrolmentCode, newEnrolmentCode } from '../../contract/enrolment.ts'
import { id } from '../../contract/id.ts'
import { mintedToken } from '../../contract/identity.ts'
import { Access, Public } from '../../platform/http/allowed-for.ts'
import { type Caller, CurrentCaller } from '../callers/caller.ts'
import { Enrolments } from './enrolment.service.ts'

@ApiTags('people')
@Controller('api')
export class EnrolmentController {
  constructor(private readonly enrolments: Enrolments) {}

  @Post('users/:id/enrolment-code')
  @Access({ scope: 'manage', roles: ['admin'] })
  @ApiCreatedResponse({ standardSchema: enrolmentCode })
  create(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: id('usr') }) userId: string,
    @Body({ schema: newEnrolmentCode }) body: NewEnrolmentCode,
  ) {
    return this.enrolments.create(caller, userId, body)
  }

  @Delete('users/:id/enrolment-code')
  @HttpCode(204)
  @Access({ scope: 'manage', roles: ['admin'], fresh: false })
  @ApiNoContentResponse()
  withdraw(@CurrentCaller() caller: Caller, @Param('id', { schema: id('usr') }) userId: string) {
    return this.enrolments.withdraw(caller, userId)
  }

  @Post('enrolments')
  @Header('cache-control', 'no-store')
  @Public()
  @ApiCreatedResponse({ standardSchema: mintedToken })
  redeem(@Body({ schema: enrolment }) body: Enrolment) {
    return this.enrolments.redeem(body)
  }
}
