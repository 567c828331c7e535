import { Body, Controller, Param, Query } from '@nestjs/common'
import type { BundleQuery, NewBundle } from '../../contract/bundles.ts'
import { bundles } from '../../contract/endpoints/access.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { Bundles } from './bundles.service.ts'

@Controller()
export class BundlesController {
  constructor(private readonly bundles: Bundles) {}

  @Endpoint(bundles.create)
  create(@CurrentCaller() caller: Caller, @Body({ schema: bundles.create.body }) body: NewBundle) {
    return this.bundles.create(caller, body)
  }

  @Endpoint(bundles.list)
  list(@CurrentCaller() caller: Caller, @Query({ schema: bundles.list.query }) query: BundleQuery) {
    return this.bundles.list(caller, query)
  }

  @Endpoint(bundles.get)
  get(@CurrentCaller() caller: Caller, @Param('id', { schema: bundles.get.params.id }) bundleId: string) {
    return this.bundles.get(caller, bundleId)
  }

  @Endpoint(bundles.remove)
  remove(@CurrentCaller() caller: Caller, @Param('id', { schema: bundles.remove.params.id }) bundleId: string) {
    return this.bundles.remove(caller, bundleId)
  }
}
