import { Body, Controller, Param, Query } from '@nestjs/common'
import { tokens } from '../../contract/endpoints/people.ts'
import type { NewToken, TokenQuery } from '../../contract/identity.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { type Caller, CurrentCaller } from '../callers/caller.ts'
import { TokensService } from './tokens.service.ts'

// Scope `read` is all it takes to give up what is one's own; somebody else's takes `manage`, as does making one.
@Controller()
export class TokensController {
  constructor(private readonly tokens: TokensService) {}

  @Endpoint(tokens.list)
  list(@CurrentCaller() caller: Caller, @Query({ schema: tokens.list.query }) query: TokenQuery) {
    return this.tokens.list(caller, query)
  }

  @Endpoint(tokens.create)
  create(@CurrentCaller() caller: Caller, @Body({ schema: tokens.create.body }) body: NewToken) {
    return this.tokens.create(caller, body)
  }

  @Endpoint(tokens.revoke)
  revoke(@CurrentCaller() caller: Caller, @Param('id', { schema: tokens.revoke.params.id }) tokenId: string) {
    return this.tokens.revoke(caller, tokenId)
  }
}
