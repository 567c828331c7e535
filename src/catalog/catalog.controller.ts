import { Body, Controller, Param } from '@nestjs/common'
import type { CatalogEntry, MinimumPolicyQuestion } from '../contract/catalog.ts'
import { catalog } from '../contract/endpoints/catalog.ts'
import { Endpoint } from '../platform/http/endpoint.ts'
import { Catalog } from './catalog.ts'
import { entryOf } from './entry.ts'
import { advise } from './minimum-policy.ts'

@Controller()
export class CatalogController {
  constructor(private readonly catalog: Catalog) {}

  @Endpoint(catalog.list)
  list(): { items: CatalogEntry[] } {
    return { items: this.catalog.list().map(entryOf) }
  }

  @Endpoint(catalog.get)
  get(@Param('plugin', { schema: catalog.get.params.plugin }) plugin: string): CatalogEntry {
    return entryOf(this.catalog.get(plugin))
  }

  @Endpoint(catalog.minimumPolicy)
  minimumPolicy(
    @Param('plugin', { schema: catalog.minimumPolicy.params.plugin }) plugin: string,
    @Body({ schema: catalog.minimumPolicy.body }) { config }: MinimumPolicyQuestion,
  ) {
    return advise(this.catalog.get(plugin), config)
  }
}
