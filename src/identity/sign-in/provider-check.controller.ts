import { Controller, Get } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { type HealthReport, healthReport } from '../../contract/integrations.ts'
import { Access } from '../../platform/http/allowed-for.ts'
import { type Caller, CurrentCaller } from '../callers/caller.ts'
import { ProviderCheck } from './provider-check.ts'

@ApiTags('sign-in')
@Controller('api/identity-provider')
export class ProviderCheckController {
  constructor(private readonly check: ProviderCheck) {}

  @Get('check')
  @Access({ scope: 'read', roles: ['admin'] })
  @ApiOkResponse({ standardSchema: healthReport })
  get(@CurrentCaller() caller: Caller): Promise<HealthReport> {
    return this.check.check(caller.id)
  }
}
