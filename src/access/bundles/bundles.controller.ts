import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common'
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { type BundleQuery, bundlePage, bundleQuery, bundleView, type NewBundle, newBundle } from '../../contract/bundles.ts'
import { id } from '../../contract/id.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Access } from '../../platform/http/allowed-for.ts'
import { Bundles } from './bundles.service.ts'

@ApiTags('access')
@Controller('api/bundles')
@Access({ scope: 'manage', roles: ['admin', 'owner'] })
export class BundlesController {
  constructor(private readonly bundles: Bundles) {}

  @Post()
  @ApiCreatedResponse({ standardSchema: bundleView })
  create(@CurrentCaller() caller: Caller, @Body({ schema: newBundle }) body: NewBundle) {
    return this.bundles.create(caller, body)
  }

  @Get()
  @Access({ scope: 'read' })
  @ApiOkResponse({ standardSchema: bundlePage })
  list(@CurrentCaller() caller: Caller, @Query({ schema: bundleQuery }) query: BundleQuery) {
    return this.bundles.list(caller, query)
  }

  @Get(':id')
  @Access({ scope: 'read' })
  @ApiOkResponse({ standardSchema: bundleView })
  get(@CurrentCaller() caller: Caller, @Param('id', { schema: id('bnd') }) bundleId: string) {
    return this.bundles.get(caller, bundleId)
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiNoContentResponse()
  remove(@CurrentCaller() caller: Caller, @Param('id', { schema: id('bnd') }) bundleId: string) {
    return this.bundles.remove(caller, bundleId)
  }
}
