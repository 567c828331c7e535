import { Body, Controller } from '@nestjs/common'
import { actionRequests } from '../../contract/endpoints/access.ts'
import type { NewActionRequest } from '../../contract/requests.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { RequestViews } from '../requests/request-views.ts'
import { ActionRequests } from './action-requests.service.ts'

@Controller()
export class ActionRequestsController {
  constructor(
    private readonly requests: ActionRequests,
    private readonly views: RequestViews,
  ) {}

  @Endpoint(actionRequests.submit)
  async submit(@CurrentCaller() caller: Caller, @Body({ schema: actionRequests.submit.body }) body: NewActionRequest) {
    return this.views.get(caller, await this.requests.submit(caller, body))
  }

  @Endpoint(actionRequests.dryRun)
  dryRun(@CurrentCaller() caller: Caller, @Body({ schema: actionRequests.dryRun.body }) body: NewActionRequest) {
    return this.requests.dryRun(caller, body)
  }
}
