import { Controller, HttpStatus, Param, Query, Res } from '@nestjs/common'
import type { Response } from 'express'
import { discovery } from '../../contract/endpoints/integrations.ts'
import type { ListQuery } from '../../contract/integrations.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { Discovery } from './discovery.ts'

@Controller()
export class DiscoveryController {
  constructor(private readonly discovery: Discovery) {}

  /** 202 and a new run, or 200 and the one under way. */
  @Endpoint(discovery.start)
  async start(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: discovery.start.params.id }) integrationId: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    const { run, began } = await this.discovery.start(caller.id, integrationId)
    response.status(began ? HttpStatus.ACCEPTED : HttpStatus.OK)
    return run
  }

  @Endpoint(discovery.latest)
  latest(@Param('id', { schema: discovery.latest.params.id }) integrationId: string) {
    return this.discovery.latest(integrationId)
  }

  @Endpoint(discovery.list)
  list(
    @Param('id', { schema: discovery.list.params.id }) integrationId: string,
    @Query({ schema: discovery.list.query }) query: ListQuery,
  ) {
    return this.discovery.page(integrationId, query)
  }
}
