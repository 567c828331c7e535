import { Body, Controller, Param, Query } from '@nestjs/common'
import { Decisions } from '../../approvals/decisions/decisions.service.ts'
import type { NewApproval } from '../../contract/approvals.ts'
import { requests } from '../../contract/endpoints/access.ts'
import { type NewRequest, type RequestQuery } from '../../contract/requests.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { RequestViews } from './request-views.ts'
import { Requests } from './requests.service.ts'

@Controller()
export class RequestsController {
  constructor(
    private readonly requests: Requests,
    private readonly decisions: Decisions,
    private readonly views: RequestViews,
  ) {}

  @Endpoint(requests.submit)
  async submit(@CurrentCaller() caller: Caller, @Body({ schema: requests.submit.body }) body: NewRequest) {
    return this.views.get(caller, await this.requests.submit(caller, body))
  }

  @Endpoint(requests.dryRun)
  dryRun(@CurrentCaller() caller: Caller, @Body({ schema: requests.dryRun.body }) body: NewRequest) {
    return this.requests.dryRun(caller, body)
  }

  @Endpoint(requests.list)
  list(@CurrentCaller() caller: Caller, @Query({ schema: requests.list.query }) query: RequestQuery) {
    return this.views.list(caller, query)
  }

  @Endpoint(requests.get)
  get(@CurrentCaller() caller: Caller, @Param('id', { schema: requests.get.params.id }) requestId: string) {
    return this.views.get(caller, requestId)
  }

  @Endpoint(requests.decide)
  async decide(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: requests.decide.params.id }) requestId: string,
    @Body({ schema: requests.decide.body }) body: NewApproval,
  ) {
    await this.decisions.decide(caller, requestId, body)
    return this.views.get(caller, requestId)
  }

  @Endpoint(requests.cancel)
  async cancel(@CurrentCaller() caller: Caller, @Param('id', { schema: requests.cancel.params.id }) requestId: string) {
    await this.decisions.cancel(caller, requestId)
    return this.views.get(caller, requestId)
  }
}
