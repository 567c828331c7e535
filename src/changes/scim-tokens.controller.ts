import { Body, Controller, Param, Query } from '@nestjs/common'
import { scimTokens } from '../contract/endpoints/people.ts'
import type { NewScimToken, ScimTokenQuery, ScimTokenRotation } from '../contract/scim-tokens.ts'
import { type Caller, CurrentCaller } from '../identity/callers/caller.ts'
import { ScimTokens } from '../identity/scim/scim-tokens.service.ts'
import { Endpoint } from '../platform/http/endpoint.ts'
import { ScimTokenChanges } from './scim-token-changes.ts'

@Controller()
export class ScimTokensController {
  constructor(
    private readonly tokens: ScimTokens,
    private readonly changes: ScimTokenChanges,
  ) {}

  @Endpoint(scimTokens.list)
  list(@Query({ schema: scimTokens.list.query }) query: ScimTokenQuery) {
    return this.tokens.list(query)
  }

  @Endpoint(scimTokens.create)
  create(@CurrentCaller() caller: Caller, @Body({ schema: scimTokens.create.body }) body: NewScimToken) {
    return this.changes.create(caller, body)
  }

  @Endpoint(scimTokens.rotate)
  rotate(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: scimTokens.rotate.params.id }) tokenId: string,
    @Body({ schema: scimTokens.rotate.body }) body: ScimTokenRotation,
  ) {
    return this.changes.rotate(caller, tokenId, body)
  }

  @Endpoint(scimTokens.revoke)
  revoke(@CurrentCaller() caller: Caller, @Param('id', { schema: scimTokens.revoke.params.id }) tokenId: string) {
    return this.tokens.revoke(caller, tokenId)
  }
}
