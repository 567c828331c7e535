import { Controller, Get, HttpStatus, Param, Post, Query, Res } from '@nestjs/common'
import { ApiAcceptedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import type { Response } from 'express'
import { id } from '../../contract/id.ts'
import { discoveryRun, discoveryRunPage, type ListQuery, listQuery } from '../../contract/integrations.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Access } from '../../platform/http/allowed-for.ts'
import { Discovery } from './discovery.ts'

const OURS = id('int')

@ApiTags('integrations')
@Controller('api/integrations/:id')
@Access({ scope: 'read', roles: ['admin', 'owner', 'auditor'] })
export class DiscoveryController {
  constructor(private readonly discovery: Discovery) {}

  /** 202 and a new run, or 200 and the one under way. */
  @Post('sync')
  @Access({ scope: 'manage', roles: ['admin', 'owner'] })
  @ApiOkResponse({ standardSchema: discoveryRun })
  @ApiAcceptedResponse({ standardSchema: discoveryRun })
  async start(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: OURS }) integrationId: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    const { run, began } = await this.discovery.start(caller.id, integrationId)
    response.status(began ? HttpStatus.ACCEPTED : HttpStatus.OK)
    return run
  }

  @Get('sync')
  @ApiOkResponse({ standardSchema: discoveryRun })
  latest(@Param('id', { schema: OURS }) integrationId: string) {
    return this.discovery.latest(integrationId)
  }

  @Get('syncs')
  @ApiOkResponse({ standardSchema: discoveryRunPage })
  list(@Param('id', { schema: OURS }) integrationId: string, @Query({ schema: listQuery }) query: ListQuery) {
    return this.discovery.page(integrationId, query)
  }
}
