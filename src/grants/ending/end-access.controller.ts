import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common'
import { ApiAcceptedResponse, ApiTags } from '@nestjs/swagger'
import { type EndAccess, endAccess, endedAccess } from '../../contract/grants.ts'
import { id } from '../../contract/id.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Access } from '../../platform/http/allowed-for.ts'
import { AccessEnding } from './end-access.ts'

@ApiTags('integrations')
@Controller('api/integrations')
export class EndAccessController {
  constructor(private readonly ending: AccessEnding) {}

  @Post(':id/end-access')
  @HttpCode(202)
  @Access({ scope: 'manage', roles: ['admin', 'owner'] })
  @ApiAcceptedResponse({ standardSchema: endedAccess })
  end(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: id('int') }) integrationId: string,
    @Body({ schema: endAccess }) body: EndAccess,
  ) {
    return this.ending.order(caller, integrationId, body)
  }
}
