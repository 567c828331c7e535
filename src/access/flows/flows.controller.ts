import { Body, Controller, Param, Query } from '@nestjs/common'
import { flows } from '../../contract/endpoints/access.ts'
import type { ChangedFlow, FlowQuery, NewFlow } from '../../contract/flows.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { Flows } from './flows.service.ts'

@Controller()
export class FlowsController {
  constructor(private readonly flows: Flows) {}

  @Endpoint(flows.create)
  create(@CurrentCaller() caller: Caller, @Body({ schema: flows.create.body }) body: NewFlow) {
    return this.flows.create(caller, body)
  }

  @Endpoint(flows.list)
  list(@Query({ schema: flows.list.query }) query: FlowQuery) {
    return this.flows.list(query)
  }

  @Endpoint(flows.get)
  get(@Param('id', { schema: flows.get.params.id }) flowId: string) {
    return this.flows.get(flowId)
  }

  @Endpoint(flows.change)
  change(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: flows.change.params.id }) flowId: string,
    @Body({ schema: flows.change.body }) body: ChangedFlow,
  ) {
    return this.flows.change(caller, flowId, body)
  }
}
