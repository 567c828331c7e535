import { Controller, Param, Query } from '@nestjs/common'
import { sweeps } from '../../contract/endpoints/integrations.ts'
import type { SweepQuery } from '../../contract/grants.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { deadline } from '../../platform/pacing/deadline.ts'
import { Sweep } from './sweep.ts'

const PATIENCE_MS = 60_000

@Controller()
export class SweepController {
  constructor(private readonly sweep: Sweep) {}

  @Endpoint(sweeps.run)
  run(
    @Param('id', { schema: sweeps.run.params.id }) integrationId: string,
    @Query({ schema: sweeps.run.query }) { confirm }: SweepQuery,
  ) {
    return this.sweep.sweep(integrationId, deadline(PATIENCE_MS), { confirmed: confirm === 'true' })
  }
}
