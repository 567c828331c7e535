import { Controller, Get, Param, Query } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { id } from '../contract/id.ts'
import { type ResourceQuery, resource, resourcePage, resourceQuery } from '../contract/integrations.ts'
import { type Caller, CurrentCaller } from '../identity/caller.ts'
import { Access } from '../platform/access.ts'
import { Resources } from './resources.service.ts'

// Everybody may search: one has to find what one asks for.
@ApiTags('resources')
@Controller('api/resources')
@Access({ scope: 'read' })
export class ResourcesController {
  constructor(private readonly resources: Resources) {}

  @Get()
  @ApiOkResponse({ standardSchema: resourcePage })
  search(@CurrentCaller() caller: Caller, @Query({ schema: resourceQuery }) query: ResourceQuery) {
    return this.resources.search(caller, query)
  }

  @Get(':id')
  @ApiOkResponse({ standardSchema: resource })
  get(@Param('id', { schema: id('res') }) resourceId: string) {
    return this.resources.get(resourceId)
  }
}
