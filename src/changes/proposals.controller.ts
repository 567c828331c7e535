import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { id } from '../contract/id.ts'
import { type ProposalQuery, proposalPage, proposalQuery, proposalView } from '../contract/proposals.ts'
import { type Caller, CurrentCaller } from '../identity/callers/caller.ts'
import { Access } from '../platform/http/allowed-for.ts'
import { Proposals } from './proposals.service.ts'

const OURS = { schema: id('prp') }

@ApiTags('proposals')
@Controller('api/proposals')
@Access({ scope: 'manage', roles: ['admin', 'owner'] })
export class ProposalsController {
  constructor(private readonly proposals: Proposals) {}

  @Get()
  @Access({ scope: 'read', roles: ['admin', 'owner', 'auditor'] })
  @ApiOkResponse({ standardSchema: proposalPage })
  list(@Query({ schema: proposalQuery }) query: ProposalQuery) {
    return this.proposals.list(query)
  }

  @Get(':id')
  @Access({ scope: 'read', roles: ['admin', 'owner', 'auditor'] })
  @ApiOkResponse({ standardSchema: proposalView })
  get(@Param('id', OURS) proposalId: string) {
    return this.proposals.get(proposalId)
  }

  @Post(':id/accept')
  @HttpCode(200)
  @Access({ scope: 'manage', roles: ['admin', 'owner'], fresh: true })
  @ApiOkResponse({ standardSchema: proposalView })
  accept(@CurrentCaller() caller: Caller, @Param('id', OURS) proposalId: string) {
    return this.proposals.accept(caller, proposalId)
  }

  @Post(':id/decline')
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: proposalView })
  decline(@CurrentCaller() caller: Caller, @Param('id', OURS) proposalId: string) {
    return this.proposals.decline(caller, proposalId)
  }

  @Post(':id/withdraw')
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: proposalView })
  withdraw(@CurrentCaller() caller: Caller, @Param('id', OURS) proposalId: string) {
    return this.proposals.withdraw(caller, proposalId)
  }
}
