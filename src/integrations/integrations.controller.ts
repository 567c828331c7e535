import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common'
import { ApiAcceptedResponse, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { Response } from 'express'
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
import { type Caller, CurrentCaller } from '../identity/caller.ts'
import { Access } from '../platform/access.ts'
import { FourEyes } from '../proposals/four-eyes.ts'
import type { Json } from '../sdk/index.ts'
import { Health } from './health.service.ts'
import { IntegrationStates } from './integration-states.ts'
import { Integrations } from './integrations.service.ts'

const OURS = id('int')

@ApiTags('integrations')
@Controller('api/integrations')
@Access({ scope: 'manage', roles: ['admin'] })
export class IntegrationsController {
  constructor(
    private readonly integrations: Integrations,
    private readonly states: IntegrationStates,
    private readonly health: Health,
    private readonly fourEyes: FourEyes,
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
  create(
    @CurrentCaller() caller: Caller,
    @Body({ schema: newIntegration }) body: NewIntegration,
    @Res({ passthrough: true }) response: Response,
  ) {
    const change = async () => {
      const config = await this.integrations.withoutSecrets(body.plugin, body.config)
      return { kind: 'integration.create', subject: null, body, summary: { ...body, config } as Json } as const
    }
    return this.fourEyes.make(caller, response, change, () => this.integrations.create(caller.id, body))
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
    @Res({ passthrough: true }) response: Response,
  ) {
    const change = async () => {
      const { config: typed, ...rest } = body
      const config = typed && (await this.integrations.changedWithoutSecrets(integrationId, typed))
      return { kind: 'integration.change', subject: integrationId, body, summary: { ...rest, config } as Json } as const
    }
    return this.fourEyes.make(caller, response, change, () => this.integrations.change(caller.id, integrationId, body))
  }

  @Post(':id/health')
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: healthReport })
  check(@Param('id', { schema: OURS }) integrationId: string) {
    return this.health.check(integrationId)
  }

  @Post(':id/pause')
  @HttpCode(200)
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
  remove(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: OURS }) integrationId: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    const change = async () => {
      const { name } = await this.integrations.view(integrationId)
      return { kind: 'integration.remove', subject: integrationId, body: null, summary: { name } } as const
    }
    return this.fourEyes.make(caller, response, change, () => this.states.remove(caller.id, integrationId))
  }
}
