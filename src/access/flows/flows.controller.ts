import { Body, Controller, Get, Param, Patch, Post, Query } from '@nestjs/common'
import { ApiAcceptedResponse, ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import {
  type ChangedFlow,
  changedFlow,
  type FlowQuery,
  flowPage,
  flowQuery,
  flowView,
  type NewFlow,
  newFlow,
} from '../../contract/flows.ts'
import { id } from '../../contract/id.ts'
import { proposalView } from '../../contract/proposals.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Access } from '../../platform/http/allowed-for.ts'
import { Flows } from './flows.service.ts'

@ApiTags('access')
@Controller('api/access-flows')
@Access({ scope: 'manage', roles: ['admin', 'owner'] })
export class FlowsController {
  constructor(private readonly flows: Flows) {}

  @Post()
  @ApiCreatedResponse({ standardSchema: flowView })
  @ApiAcceptedResponse({ standardSchema: proposalView })
  create(@CurrentCaller() caller: Caller, @Body({ schema: newFlow }) body: NewFlow) {
    return this.flows.create(caller, body)
  }

  @Get()
  @Access({ scope: 'read', roles: ['admin', 'owner', 'auditor'] })
  @ApiOkResponse({ standardSchema: flowPage })
  list(@Query({ schema: flowQuery }) query: FlowQuery) {
    return this.flows.list(query)
  }

  @Get(':id')
  @Access({ scope: 'read', roles: ['admin', 'owner', 'auditor'] })
  @ApiOkResponse({ standardSchema: flowView })
  get(@Param('id', { schema: id('flw') }) flowId: string) {
    return this.flows.get(flowId)
  }

  @Patch(':id')
  @ApiOkResponse({ standardSchema: flowView })
  @ApiAcceptedResponse({ standardSchema: proposalView })
  change(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: id('flw') }) flowId: string,
    @Body({ schema: changedFlow }) body: ChangedFlow,
  ) {
    return this.flows.change(caller, flowId, body)
  }
}
