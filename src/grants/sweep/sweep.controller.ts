import { Controller, HttpCode, Param, Post, Query } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { type SweepQuery, sweepQuery, sweepReport } from '../../contract/grants.ts'
import { id } from '../../contract/id.ts'
import { Access } from '../../platform/http/allowed-for.ts'
import { deadline } from '../../platform/pacing/deadline.ts'
import { Sweep } from './sweep.ts'

const PATIENCE_MS = 60_000

@ApiTags('integrations')
@Controller('api/integrations')
export class SweepController {
  constructor(private readonly sweep: Sweep) {}

  @Post(':id/sweep')
  @HttpCode(200)
  @Access({ scope: 'manage', roles: ['admin', 'owner'] })
  @ApiOkResponse({ standardSchema: sweepReport })
  run(@Param('id', { schema: id('int') }) integrationId: string, @Query({ schema: sweepQuery }) { confirm }: SweepQuery) {
    return this.sweep.sweep(integrationId, deadline(PATIENCE_MS), { confirmed: confirm === 'true' })
  }
}
