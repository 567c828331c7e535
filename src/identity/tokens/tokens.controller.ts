import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common'
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { id } from '../../contract/id.ts'
import { mintedToken, type NewToken, newToken, type TokenQuery, tokenPage, tokenQuery } from '../../contract/identity.ts'
import { Access } from '../../platform/http/allowed-for.ts'
import { type Caller, CurrentCaller } from '../callers/caller.ts'
import { TokensService } from './tokens.service.ts'

// Scope `read` is all it takes to give up what is one's own; somebody else's takes `manage`, as does making one.
@ApiTags('tokens')
@Controller('api/tokens')
@Access({ scope: 'read' })
export class TokensController {
  constructor(private readonly tokens: TokensService) {}

  @Get()
  @ApiOkResponse({ standardSchema: tokenPage })
  list(@CurrentCaller() caller: Caller, @Query({ schema: tokenQuery }) query: TokenQuery) {
    return this.tokens.list(caller, query)
  }

  @Post()
  @Access({ scope: 'manage', fresh: true })
  @ApiCreatedResponse({ standardSchema: mintedToken })
  create(@CurrentCaller() caller: Caller, @Body({ schema: newToken }) body: NewToken) {
    return this.tokens.create(caller, body)
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiNoContentResponse()
  revoke(@CurrentCaller() caller: Caller, @Param('id', { schema: id('tok') }) tokenId: string) {
    return this.tokens.revoke(caller, tokenId)
  }
}
