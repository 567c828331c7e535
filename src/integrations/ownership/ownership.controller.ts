import { Body, Controller, Get, Param, Put } from '@nestjs/common'
import { ApiAcceptedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { id } from '../../contract/id.ts'
import { type Ownership, ownership } from '../../contract/ownership.ts'
import { proposalView } from '../../contract/proposals.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Access } from '../../platform/http/allowed-for.ts'
import { Ownerships } from './ownership.service.ts'

@ApiTags('integrations')
@Controller('api/integrations/:id/ownership')
export class OwnershipController {
  constructor(private readonly ownerships: Ownerships) {}

  @Get()
  @Access({ scope: 'read', roles: ['admin', 'owner', 'auditor'] })
  @ApiOkResponse({ standardSchema: ownership })
  get(@Param('id', { schema: id('int') }) integrationId: string) {
    return this.ownerships.get(integrationId)
  }

  @Put()
  @Access({ scope: 'manage', roles: ['admin', 'owner'] })
  @ApiAcceptedResponse({ standardSchema: proposalView })
  @ApiOkResponse({ standardSchema: ownership })
  set(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: id('int') }) integrationId: string,
    @Body({ schema: ownership }) body: Ownership,
  ) {
    return this.ownerships.set(caller, integrationId, body)
  }
}
