import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common'
import { ApiAcceptedResponse, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { policyAdvice } from '../contract/catalog.ts'
import { id } from '../contract/id.ts'
import {
  healthReport,
  type IntegrationChange,
  type IntegrationTest,
  integration,
  integrationChange,
  integrationPage,
  integrationTest,
  type ListQuery,
  listQuery,
  type NewIntegration,
  newIntegration,
} from '../contract/integrations.ts'
import { proposalView } from '../contract/proposals.ts'
import { type Caller, CurrentCaller } from '../identity/callers/caller.ts'
import { Access } from '../platform/http/allowed-for.ts'
import { Health } from './health/health.service.ts'
import { IntegrationChanges } from './integration-changes.ts'
import { IntegrationStates } from './integration-states.ts'
import { Integrations } from './integrations.service.ts'

const OURS = id('int')

@ApiTags('integrations')
@Controller('api/integrations')
@Access({ scope: 'manage', roles: ['admin'] })
export class IntegrationsController {
  constructor(
    private readonly integrations: Integrations,
    private readonly changes: IntegrationChanges,
    private readonly states: IntegrationStates,
    private readonly health: Health,
  ) {}

  @Get()
  @Access({ scope: 'read', roles: ['admin', 'owner', 'auditor'] })
  @ApiOkResponse({ standardSchema: integrationPage })
  list(@Query({ schema: listQuery }) query: ListQuery) {
    return this.integrations.page(query)
  }

  @Get(':id')
  @Access({ scope: 'read', roles: ['admin', 'owner', 'auditor'] })
  @ApiOkResponse({ standardSchema: integration })
  get(@Param('id', { schema: OURS }) integrationId: string) {
    return this.integrations.view(integrationId)
  }

  @Get(':id/minimum-policy')
  @ApiOkResponse({ standardSchema: policyAdvice })
  minimumPolicy(@Param('id', { schema: OURS }) integrationId: string) {
    return this.integrations.minimumPolicy(integrationId)
  }

  @Post()
  @ApiCreatedResponse({ standardSchema: integration })
  @ApiAcceptedResponse({ standardSchema: proposalView })
  create(@CurrentCaller() caller: Caller, @Body({ schema: newIntegration }) body: NewIntegration) {
    return this.changes.create(caller, body)
  }

  /** Saves nothing. */
  @Post('test')
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: healthReport })
  test(@CurrentCaller() caller: Caller, @Body({ schema: integrationTest }) body: IntegrationTest) {
    return this.integrations.test(caller.id, body)
  }

  @Patch(':id')
  @ApiOkResponse({ standardSchema: integration })
  @ApiAcceptedResponse({ standardSchema: proposalView })
  change(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: OURS }) integrationId: string,
    @Body({ schema: integrationChange }) body: IntegrationChange,
  ) {
    return this.changes.change(caller, integrationId, body)
  }

  @Post(':id/health')
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: healthReport })
  check(@Param('id', { schema: OURS }) integrationId: string) {
    return this.health.check(integrationId, 'thorough')
  }

  @Post(':id/pause')
  @HttpCode(200)
  @Access({ scope: 'manage', roles: ['admin'], fresh: false })
  @ApiOkResponse({ standardSchema: integration })
  async pause(@CurrentCaller() caller: Caller, @Param('id', { schema: OURS }) integrationId: string) {
    await this.states.pause(caller.id, integrationId)
    return this.integrations.view(integrationId)
  }

  @Post(':id/resume')
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: integration })
  async resume(@CurrentCaller() caller: Caller, @Param('id', { schema: OURS }) integrationId: string) {
    await this.states.resume(caller.id, integrationId)
    return this.integrations.view(integrationId)
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiNoContentResponse()
  remove(@CurrentCaller() caller: Caller, @Param('id', { schema: OURS }) integrationId: string) {
    return this.states.remove(caller, integrationId)
  }
}
