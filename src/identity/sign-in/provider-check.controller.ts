import { Controller } from '@nestjs/common'
import { providerCheck } from '../../contract/endpoints/people.ts'
import type { HealthReport } from '../../contract/integrations.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { type Caller, CurrentCaller } from '../callers/caller.ts'
import { ProviderCheck } from './provider-check.ts'

@Controller()
export class ProviderCheckController {
  constructor(private readonly check: ProviderCheck) {}

  @Endpoint(providerCheck.get)
  get(@CurrentCaller() caller: Caller): Promise<HealthReport> {
    return this.check.check(caller.id)
  }
}
