import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common'
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { id } from '../../contract/id.ts'
import {
  mintedScimToken,
  type NewScimToken,
  newScimToken,
  type ScimTokenQuery,
  type ScimTokenRotation,
  scimTokenPage,
  scimTokenQuery,
  scimTokenRotation,
} from '../../contract/scim.ts'
import { Access } from '../../platform/access.ts'
import { type Caller, CurrentCaller } from '../caller.ts'
import { ScimTokens } from './scim-tokens.service.ts'

@ApiTags('people')
@Controller('api/scim-tokens')
@Access({ scope: 'manage', roles: ['admin'] })
export class ScimTokensController {
  constructor(private readonly tokens: ScimTokens) {}

  @Get()
  @ApiOkResponse({ standardSchema: scimTokenPage })
  list(@Query({ schema: scimTokenQuery }) query: ScimTokenQuery) {
    return this.tokens.list(query)
  }

  @Post()
  @ApiCreatedResponse({ standardSchema: mintedScimToken })
  create(@CurrentCaller() caller: Caller, @Body({ schema: newScimToken }) body: NewScimToken) {
    return this.tokens.create(caller, body)
  }

  @Post(':id/rotate')
  @ApiCreatedResponse({ standardSchema: mintedScimToken })
  rotate(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: id('sct') }) tokenId: string,
    @Body({ schema: scimTokenRotation }) body: ScimTokenRotation,
  ) {
    return this.tokens.rotate(caller, tokenId, body)
  }

  @Delete(':id')
  @HttpCode(204)
  @Access({ scope: 'manage', roles: ['admin'], fresh: false })
  @ApiNoContentResponse()
  revoke(@CurrentCaller() caller: Caller, @Param('id', { schema: id('sct') }) tokenId: string) {
    return this.tokens.revoke(caller, tokenId)
  }
}
