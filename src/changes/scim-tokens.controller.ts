import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common'
import { ApiAcceptedResponse, ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { id } from '../contract/id.ts'
import {
  heldScimToken,
  mintedScimToken,
  type NewScimToken,
  newScimToken,
  type ScimTokenQuery,
  type ScimTokenRotation,
  scimTokenPage,
  scimTokenQuery,
  scimTokenRotation,
} from '../contract/scim-tokens.ts'
import { type Caller, CurrentCaller } from '../identity/callers/caller.ts'
import { ScimTokens } from '../identity/scim/scim-tokens.service.ts'
import { Access } from '../platform/http/allowed-for.ts'
import { ScimTokenChanges } from './scim-token-changes.ts'

@ApiTags('people')
@Controller('api/scim-tokens')
@Access({ scope: 'manage', roles: ['admin'] })
export class ScimTokensController {
  constructor(
    private readonly tokens: ScimTokens,
    private readonly changes: ScimTokenChanges,
  ) {}

  @Get()
  @ApiOkResponse({ standardSchema: scimTokenPage })
  list(@Query({ schema: scimTokenQuery }) query: ScimTokenQuery) {
    return this.tokens.list(query)
  }

  @Post()
  @ApiAcceptedResponse({ standardSchema: heldScimToken })
  @ApiCreatedResponse({ standardSchema: mintedScimToken })
  create(@CurrentCaller() caller: Caller, @Body({ schema: newScimToken }) body: NewScimToken) {
    return this.changes.create(caller, body)
  }

  @Post(':id/rotate')
  @ApiAcceptedResponse({ standardSchema: heldScimToken })
  @ApiCreatedResponse({ standardSchema: mintedScimToken })
  rotate(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: id('sct') }) tokenId: string,
    @Body({ schema: scimTokenRotation }) body: ScimTokenRotation,
  ) {
    return this.changes.rotate(caller, tokenId, body)
  }

  @Delete(':id')
  @HttpCode(204)
  @Access({ scope: 'manage', roles: ['admin'], fresh: false })
  @ApiNoContentResponse()
  revoke(@CurrentCaller() caller: Caller, @Param('id', { schema: id('sct') }) tokenId: string) {
    return this.tokens.revoke(caller, tokenId)
  }
}
