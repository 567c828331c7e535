import { Body, Controller, Param, Query } from '@nestjs/common'
import { grants } from '../contract/endpoints/grants.ts'
import type { GrantQuery, GrantWait } from '../contract/grants.ts'
import { type Caller, CurrentCaller } from '../identity/callers/caller.ts'
import { Endpoint } from '../platform/http/endpoint.ts'
import { Grants } from './grants.service.ts'

@Controller()
export class GrantsController {
  constructor(private readonly grants: Grants) {}

  @Endpoint(grants.list)
  list(@CurrentCaller() caller: Caller, @Query({ schema: grants.list.query }) query: GrantQuery) {
    return this.grants.list(caller, query)
  }

  @Endpoint(grants.get)
  get(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: grants.get.params.id }) grant: string,
    @Query({ schema: grants.get.query }) { waitSeconds }: GrantWait,
  ) {
    return this.grants.whenSettled(caller, grant, waitSeconds)
  }

  @Endpoint(grants.steps)
  steps(@CurrentCaller() caller: Caller, @Param('id', { schema: grants.steps.params.id }) grant: string) {
    return this.grants.steps(caller, grant)
  }

  @Endpoint(grants.receipt)
  receipt(@CurrentCaller() caller: Caller, @Param('id', { schema: grants.receipt.params.id }) grant: string) {
    return this.grants.receipt(caller, grant)
  }

  @Endpoint(grants.open)
  open(@CurrentCaller() caller: Caller, @Param('id', { schema: grants.open.params.id }) grant: string) {
    return this.grants.open(caller, grant)
  }

  @Endpoint(grants.credential)
  async credential(@CurrentCaller() caller: Caller, @Param('id', { schema: grants.credential.params.id }) grant: string) {
    const { state, openedAt, endsAt, collectBy, collectedAt } = await this.grants.credential(caller, grant)
    return { state, openedAt, endsAt, collectBy, collectedAt }
  }

  @Endpoint(grants.giveBack)
  giveBack(@CurrentCaller() caller: Caller, @Param('id', { schema: grants.giveBack.params.id }) grant: string) {
    return this.grants.giveBack(caller, grant)
  }

  @Endpoint(grants.report)
  report(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: grants.report.params.id }) grant: string,
    @Body({ schema: grants.report.body }) { note }: { note: string },
  ) {
    return this.grants.report(caller, grant, note)
  }

  @Endpoint(grants.revoke)
  revoke(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: grants.revoke.params.id }) grant: string,
    @Body({ schema: grants.revoke.body }) { reason }: { reason: string },
  ) {
    return this.grants.revoke(caller, grant, reason)
  }
}
