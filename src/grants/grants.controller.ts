import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { z } from 'zod'
import {
  credentialView,
  type GrantQuery,
  type GrantWait,
  grantPage,
  grantQuery,
  grantView,
  grantWait,
  openingView,
  reportGrant,
  revocationReceipt,
  revokeGrant,
  stepView,
} from '../contract/grants.ts'
import { id } from '../contract/id.ts'
import { type Caller, CurrentCaller } from '../identity/callers/caller.ts'
import { Access } from '../platform/http/allowed-for.ts'
import { Grants } from './grants.service.ts'

const grantId = { schema: id('grt') }

@ApiTags('grants')
@Controller('api/grants')
export class GrantsController {
  constructor(private readonly grants: Grants) {}

  @Get()
  @Access({ scope: 'read' })
  @ApiOkResponse({ standardSchema: grantPage })
  list(@CurrentCaller() caller: Caller, @Query({ schema: grantQuery }) query: GrantQuery) {
    return this.grants.list(caller, query)
  }

  @Get(':id')
  @Access({ scope: 'read' })
  @ApiOkResponse({ standardSchema: grantView })
  get(
    @CurrentCaller() caller: Caller,
    @Param('id', grantId) grant: string,
    @Query({ schema: grantWait }) { waitSeconds }: GrantWait,
  ) {
    return this.grants.whenSettled(caller, grant, waitSeconds)
  }

  @Get(':id/steps')
  @Access({ scope: 'read' })
  @ApiOkResponse({ standardSchema: z.array(stepView) })
  steps(@CurrentCaller() caller: Caller, @Param('id', grantId) grant: string) {
    return this.grants.steps(caller, grant)
  }

  @Get(':id/receipt')
  @Access({ scope: 'read' })
  @ApiOkResponse({ standardSchema: revocationReceipt })
  receipt(@CurrentCaller() caller: Caller, @Param('id', grantId) grant: string) {
    return this.grants.receipt(caller, grant)
  }

  @Post(':id/open')
  @HttpCode(200)
  @Access({ scope: 'request', own: true })
  @ApiOkResponse({ standardSchema: credentialView })
  open(@CurrentCaller() caller: Caller, @Param('id', grantId) grant: string) {
    return this.grants.open(caller, grant)
  }

  @Get(':id/credential')
  @Access({ scope: 'read' })
  @ApiOkResponse({ standardSchema: openingView, description: 'whether the latest delivery was opened; the target is asked' })
  async credential(@CurrentCaller() caller: Caller, @Param('id', grantId) grant: string) {
    const { state, openedAt, endsAt, collectBy, collectedAt } = await this.grants.credential(caller, grant)
    return { state, openedAt, endsAt, collectBy, collectedAt }
  }

  @Post(':id/give-back')
  @HttpCode(202)
  @Access({ scope: 'request' })
  @ApiOkResponse({ standardSchema: grantView })
  giveBack(@CurrentCaller() caller: Caller, @Param('id', grantId) grant: string) {
    return this.grants.giveBack(caller, grant)
  }

  @Post(':id/report')
  @HttpCode(202)
  @Access({ scope: 'request' })
  @ApiOkResponse({ standardSchema: grantView })
  report(
    @CurrentCaller() caller: Caller,
    @Param('id', grantId) grant: string,
    @Body({ schema: reportGrant }) { note }: { note: string },
  ) {
    return this.grants.report(caller, grant, note)
  }

  @Post(':id/revoke')
  @HttpCode(202)
  @Access({ scope: 'approve' })
  @ApiOkResponse({ standardSchema: grantView })
  revoke(
    @CurrentCaller() caller: Caller,
    @Param('id', grantId) grant: string,
    @Body({ schema: revokeGrant }) { reason }: { reason: string },
  ) {
    return this.grants.revoke(caller, grant, reason)
  }
}
