import { Body, Controller, Param, Query } from '@nestjs/common'
import { targetCredentials } from '../../contract/endpoints/distribution.ts'
import type { CredentialChange, DistributionListQuery, NewCredential } from '../../contract/targets.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { Credentials } from './credentials.service.ts'

@Controller()
export class CredentialsController {
  constructor(private readonly credentials: Credentials) {}

  @Endpoint(targetCredentials.create)
  create(@CurrentCaller() caller: Caller, @Body({ schema: targetCredentials.create.body }) body: NewCredential) {
    return this.credentials.create(caller, body)
  }

  @Endpoint(targetCredentials.list)
  list(@Query({ schema: targetCredentials.list.query }) query: DistributionListQuery) {
    return this.credentials.list(query)
  }

  @Endpoint(targetCredentials.get)
  get(@Param('id', { schema: targetCredentials.get.params.id }) id: string) {
    return this.credentials.get(id)
  }

  @Endpoint(targetCredentials.change)
  change(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: targetCredentials.change.params.id }) id: string,
    @Body({ schema: targetCredentials.change.body }) body: CredentialChange,
  ) {
    return this.credentials.change(caller, id, body)
  }

  @Endpoint(targetCredentials.remove)
  remove(@CurrentCaller() caller: Caller, @Param('id', { schema: targetCredentials.remove.params.id }) id: string) {
    return this.credentials.remove(caller, id)
  }
}
