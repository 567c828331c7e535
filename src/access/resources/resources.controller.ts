import { Controller, Param, Query } from '@nestjs/common'
import { resources } from '../../contract/endpoints/integrations.ts'
import type { ResourceQuery } from '../../contract/integrations.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Resources } from '../../integrations/resources/resources.service.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { Sights } from '../requests/sights.ts'
import { Offers } from './offers.ts'

// Everybody may search, and finds what they could ask for.
@Controller()
export class ResourcesController {
  constructor(
    private readonly resources: Resources,
    private readonly sights: Sights,
    private readonly offered: Offers,
  ) {}

  @Endpoint(resources.search)
  async search(@CurrentCaller() caller: Caller, @Query({ schema: resources.search.query }) query: ResourceQuery) {
    return this.resources.search(caller, query, await this.sights.of(caller))
  }

  @Endpoint(resources.get)
  async get(@CurrentCaller() caller: Caller, @Param('id', { schema: resources.get.params.id }) resourceId: string) {
    return this.resources.get(resourceId, await this.sights.of(caller))
  }

  @Endpoint(resources.offers)
  offers(@CurrentCaller() caller: Caller, @Param('id', { schema: resources.offers.params.id }) resourceId: string) {
    return this.offered.of(caller, resourceId)
  }
}
