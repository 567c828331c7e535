import { Body, Controller, Param, Query } from '@nestjs/common'
import type {
  DistributionQuery,
  DistributionRollback,
  DistributionWord,
  NewDistribution,
  NewDistributionDryRun,
} from '../../contract/distributions.ts'
import { distributions } from '../../contract/endpoints/distributions.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { Distributions } from './distributions.service.ts'
import { DryRuns } from './dry-runs.ts'
import { PuttingBack } from './putting-back.ts'

@Controller()
export class DistributionsController {
  constructor(
    private readonly distributions: Distributions,
    private readonly puttingBack: PuttingBack,
    private readonly dryRuns: DryRuns,
  ) {}

  @Endpoint(distributions.order)
  order(@CurrentCaller() caller: Caller, @Body({ schema: distributions.order.body }) body: NewDistribution) {
    return this.distributions.order(caller, body)
  }

  @Endpoint(distributions.dryRun)
  dryRun(@Body({ schema: distributions.dryRun.body }) body: NewDistributionDryRun) {
    return this.dryRuns.dryRun(body)
  }

  @Endpoint(distributions.list)
  list(@Query({ schema: distributions.list.query }) query: DistributionQuery) {
    return this.distributions.list(query)
  }

  @Endpoint(distributions.get)
  get(@Param('id', { schema: distributions.get.params.id }) id: string) {
    return this.distributions.get(id)
  }

  @Endpoint(distributions.resume)
  resume(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: distributions.resume.params.id }) id: string,
    @Body({ schema: distributions.resume.body }) body: DistributionWord,
  ) {
    return this.distributions.resume(caller, id, body)
  }

  @Endpoint(distributions.cancel)
  cancel(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: distributions.cancel.params.id }) id: string,
    @Body({ schema: distributions.cancel.body }) body: { reason: string },
  ) {
    return this.distributions.cancel(caller, id, body)
  }

  @Endpoint(distributions.rollbackPreview)
  rollbackPreview(@Param('id', { schema: distributions.rollbackPreview.params.id }) id: string) {
    return this.puttingBack.outlook(id)
  }

  @Endpoint(distributions.rollBack)
  rollBack(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: distributions.rollBack.params.id }) id: string,
    @Body({ schema: distributions.rollBack.body }) body: DistributionRollback,
  ) {
    return this.puttingBack.rollBack(caller, id, body)
  }
}
