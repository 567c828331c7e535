import { Controller, Get, Param, Query } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { id } from '../../contract/id.ts'
import { type ResourceQuery, resource, resourcePage, resourceQuery } from '../../contract/integrations.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Resources } from '../../integrations/resources/resources.service.ts'
import { Access } from '../../platform/http/allowed-for.ts'
import { Sights } from '../requests/sights.ts'

// Everybody may search, and finds what they could ask for.
@ApiTags('resources')
@Controller('api/resources')
@Access({ scope: 'read' })
export class ResourcesController {
  constructor(
    private readonly resources: Resources,
    private readonly sights: Sights,
  ) {}

  @Get()
  @ApiOkResponse({ standardSchema: resourcePage })
  async search(@CurrentCaller() caller: Caller, @Query({ schema: resourceQuery }) query: ResourceQuery) {
    return this.resources.search(caller, query, await this.sights.of(caller))
  }

  @Get(':id')
  @ApiOkResponse({ standardSchema: resource })
  async get(@CurrentCaller() caller: Caller, @Param('id', { schema: id('res') }) resourceId: string) {
    return this.resources.get(resourceId, await this.sights.of(caller))
  }
}
