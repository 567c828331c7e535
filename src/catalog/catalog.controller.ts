import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import {
  type CatalogEntry,
  catalogEntry,
  catalogList,
  type MinimumPolicyQuestion,
  minimumPolicyQuestion,
  pluginId,
  policyAdvice,
} from '../contract/catalog.ts'
import { Access } from '../platform/http/allowed-for.ts'
import { Catalog } from './catalog.ts'
import { entryOf } from './entry.ts'
import { advise } from './minimum-policy.ts'

@ApiTags('catalog')
@Controller('api/catalog')
@Access({ scope: 'read' })
export class CatalogController {
  constructor(private readonly catalog: Catalog) {}

  @Get()
  @ApiOkResponse({ standardSchema: catalogList })
  list(): { items: CatalogEntry[] } {
    return { items: this.catalog.list().map(entryOf) }
  }

  @Get(':plugin')
  @ApiOkResponse({ standardSchema: catalogEntry })
  get(@Param('plugin', { schema: pluginId }) plugin: string): CatalogEntry {
    return entryOf(this.catalog.get(plugin))
  }

  @Post(':plugin/minimum-policy')
  @HttpCode(200)
  @Access({ scope: 'manage', roles: ['admin'] })
  @ApiOkResponse({ standardSchema: policyAdvice })
  minimumPolicy(
    @Param('plugin', { schema: pluginId }) plugin: string,
    @Body({ schema: minimumPolicyQuestion }) { config }: MinimumPolicyQuestion,
  ) {
    return advise(this.catalog.get(plugin), config)
  }
}
