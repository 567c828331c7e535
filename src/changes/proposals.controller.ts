import { Controller, Param, Query } from '@nestjs/common'
import { proposals } from '../contract/endpoints/proposals.ts'
import type { ProposalQuery } from '../contract/proposals.ts'
import { type Caller, CurrentCaller } from '../identity/callers/caller.ts'
import { Endpoint } from '../platform/http/endpoint.ts'
import { Proposals } from './proposals.service.ts'

@Controller()
export class ProposalsController {
  constructor(private readonly proposals: Proposals) {}

  @Endpoint(proposals.list)
  list(@Query({ schema: proposals.list.query }) query: ProposalQuery) {
    return this.proposals.list(query)
  }

  @Endpoint(proposals.get)
  get(@Param('id', { schema: proposals.get.params.id }) proposalId: string) {
    return this.proposals.get(proposalId)
  }

  @Endpoint(proposals.accept)
  accept(@CurrentCaller() caller: Caller, @Param('id', { schema: proposals.accept.params.id }) proposalId: string) {
    return this.proposals.accept(caller, proposalId)
  }

  @Endpoint(proposals.decline)
  decline(@CurrentCaller() caller: Caller, @Param('id', { schema: proposals.decline.params.id }) proposalId: string) {
    return this.proposals.decline(caller, proposalId)
  }

  @Endpoint(proposals.withdraw)
  withdraw(@CurrentCaller() caller: Caller, @Param('id', { schema: proposals.withdraw.params.id }) proposalId: string) {
    return this.proposals.withdraw(caller, proposalId)
  }
}
