import { Body, Controller, Param } from '@nestjs/common'
import { accessEnding } from '../../contract/endpoints/integrations.ts'
import { type EndAccess } from '../../contract/grants.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { AccessEnding } from './end-access.ts'

@Controller()
export class EndAccessController {
  constructor(private readonly ending: AccessEnding) {}

  @Endpoint(accessEnding.end)
  end(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: accessEnding.end.params.id }) integrationId: string,
    @Body({ schema: accessEnding.end.body }) body: EndAccess,
  ) {
    return this.ending.order(caller, integrationId, body)
  }
}
