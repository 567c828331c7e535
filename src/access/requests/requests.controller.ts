import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common'
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { type NewApproval, newApproval } from '../../contract/approvals.ts'
import { id } from '../../contract/id.ts'
import {
  dryRun,
  type NewRequest,
  newRequest,
  type RequestQuery,
  requestPage,
  requestQuery,
  requestView,
} from '../../contract/requests.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Access } from '../../platform/http/allowed-for.ts'
import { Decisions } from './decisions.service.ts'
import { RequestViews } from './request-views.ts'
import { Requests } from './requests.service.ts'

@ApiTags('access')
@Controller('api/access-requests')
export class RequestsController {
  constructor(
    private readonly requests: Requests,
    private readonly decisions: Decisions,
    private readonly views: RequestViews,
  ) {}

  @Post()
  @Access({ scope: 'request' })
  @ApiCreatedResponse({ standardSchema: requestView })
  async submit(@CurrentCaller() caller: Caller, @Body({ schema: newRequest }) body: NewRequest) {
    return this.views.get(caller, await this.requests.submit(caller, body))
  }

  @Post('dry-run')
  @HttpCode(200)
  @Access({ scope: 'request' })
  @ApiOkResponse({ standardSchema: dryRun })
  dryRun(@CurrentCaller() caller: Caller, @Body({ schema: newRequest }) body: NewRequest) {
    return this.requests.dryRun(caller, body)
  }

  @Get()
  @Access({ scope: 'read' })
  @ApiOkResponse({ standardSchema: requestPage })
  list(@CurrentCaller() caller: Caller, @Query({ schema: requestQuery }) query: RequestQuery) {
    return this.views.list(caller, query)
  }

  @Get(':id')
  @Access({ scope: 'read' })
  @ApiOkResponse({ standardSchema: requestView })
  get(@CurrentCaller() caller: Caller, @Param('id', { schema: id('req') }) requestId: string) {
    return this.views.get(caller, requestId)
  }

  @Post(':id/approvals')
  @HttpCode(200)
  @Access({ scope: 'approve', fresh: true })
  @ApiOkResponse({ standardSchema: requestView })
  async decide(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: id('req') }) requestId: string,
    @Body({ schema: newApproval }) body: NewApproval,
  ) {
    await this.decisions.decide(caller, requestId, body)
    return this.views.get(caller, requestId)
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @Access({ scope: 'request' })
  @ApiOkResponse({ standardSchema: requestView })
  async cancel(@CurrentCaller() caller: Caller, @Param('id', { schema: id('req') }) requestId: string) {
    await this.decisions.cancel(caller, requestId)
    return this.views.get(caller, requestId)
  }
}
