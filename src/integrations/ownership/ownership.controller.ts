import { Body, Controller, Param } from '@nestjs/common'
import { ownerships } from '../../contract/endpoints/integrations.ts'
import type { Ownership } from '../../contract/ownership.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { Ownerships } from './ownership.service.ts'

@Controller()
export class OwnershipController {
  constructor(private readonly ownerships: Ownerships) {}

  @Endpoint(ownerships.get)
  get(@Param('id', { schema: ownerships.get.params.id }) integrationId: string) {
    return this.ownerships.get(integrationId)
  }

  @Endpoint(ownerships.set)
  set(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: ownerships.set.params.id }) integrationId: string,
    @Body({ schema: ownerships.set.body }) body: Ownership,
  ) {
    return this.ownerships.set(caller, integrationId, body)
  }
}
