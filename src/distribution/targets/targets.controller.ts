import { Body, Controller, Param, Query } from '@nestjs/common'
import { targets } from '../../contract/endpoints/distribution.ts'
import type { Removal } from '../../contract/removals.ts'
import type { DistributionListQuery, NewTarget, TargetChange, TargetTest } from '../../contract/targets.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { Targets } from './targets.service.ts'

@Controller()
export class TargetsController {
  constructor(private readonly targets: Targets) {}

  @Endpoint(targets.create)
  create(@CurrentCaller() caller: Caller, @Body({ schema: targets.create.body }) body: NewTarget) {
    return this.targets.create(caller, body)
  }

  @Endpoint(targets.test)
  test(@CurrentCaller() caller: Caller, @Body({ schema: targets.test.body }) body: TargetTest) {
    return this.targets.test(caller, body)
  }

  @Endpoint(targets.list)
  list(@Query({ schema: targets.list.query }) query: DistributionListQuery) {
    return this.targets.list(query)
  }

  @Endpoint(targets.get)
  get(@Param('id', { schema: targets.get.params.id }) id: string) {
    return this.targets.get(id)
  }

  @Endpoint(targets.minimumPolicy)
  minimumPolicy(@Param('id', { schema: targets.minimumPolicy.params.id }) id: string) {
    return this.targets.minimumPolicy(id)
  }

  @Endpoint(targets.change)
  change(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: targets.change.params.id }) id: string,
    @Body({ schema: targets.change.body }) body: TargetChange,
  ) {
    return this.targets.change(caller, id, body)
  }

  @Endpoint(targets.check)
  check(@CurrentCaller() caller: Caller, @Param('id', { schema: targets.check.params.id }) id: string) {
    return this.targets.check(caller, id)
  }

  @Endpoint(targets.remove)
  remove(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: targets.remove.params.id }) id: string,
    @Query({ schema: targets.remove.query }) how: Removal,
  ) {
    return this.targets.remove(caller, id, how)
  }
}
