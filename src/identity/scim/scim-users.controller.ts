import { Body, Controller, Delete, Get, Header, HttpCode, Param, Patch, Post, Put, Query, Res } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import type { Response } from 'express'
import { z } from 'zod'
import { ScimAccess } from '../../platform/http/allowed-for.ts'
import { type ListQuery, listQuery, listResponse, type OneQuery, oneQuery } from './list.ts'
import type { Wanted } from './projection.ts'
import { CurrentScimClient, type ScimClient } from './scim-authentication.ts'
import { ScimUsers, type UserRow } from './scim-users.service.ts'
import { ScimTelling } from './telling.ts'

const SCIM_JSON = 'application/scim+json'
const object = z.record(z.string(), z.unknown())
const anyId = z.string()

@ApiExcludeController()
@Controller('scim/v2/Users')
@ScimAccess()
export class ScimUsersController {
  constructor(
    private readonly users: ScimUsers,
    private readonly telling: ScimTelling,
  ) {}

  @Get()
  @Header('content-type', SCIM_JSON)
  async list(@Query({ schema: listQuery }) query: ListQuery) {
    const found = await this.users.list(query)
    return listResponse(found, this.telling.users(found.rows, query))
  }

  @Get(':id')
  @Header('content-type', SCIM_JSON)
  async get(@Param('id', { schema: anyId }) id: string, @Query({ schema: oneQuery }) query: OneQuery) {
    return this.told(await this.users.get(id), query)
  }

  @Post()
  @Header('content-type', SCIM_JSON)
  async create(
    @CurrentScimClient() client: ScimClient,
    @Body({ schema: object }) body: unknown,
    @Query({ schema: oneQuery }) query: OneQuery,
    @Res({ passthrough: true }) response: Response,
  ) {
    const user = await this.users.create(client, body)
    response.location(this.telling.addressOf('User', user.id))
    return this.told(user, query)
  }

  @Put(':id')
  @Header('content-type', SCIM_JSON)
  async replace(
    @CurrentScimClient() client: ScimClient,
    @Param('id', { schema: anyId }) id: string,
    @Body({ schema: object }) body: unknown,
    @Query({ schema: oneQuery }) query: OneQuery,
  ) {
    return this.told(await this.users.replace(client, id, body), query)
  }

  @Patch(':id')
  @Header('content-type', SCIM_JSON)
  async patch(
    @CurrentScimClient() client: ScimClient,
    @Param('id', { schema: anyId }) id: string,
    @Body({ schema: object }) body: unknown,
    @Query({ schema: oneQuery }) query: OneQuery,
  ) {
    return this.told(await this.users.patch(client, id, body), query)
  }

  @Delete(':id')
  @HttpCode(204)
  remove(@CurrentScimClient() client: ScimClient, @Param('id', { schema: anyId }) id: string) {
    return this.users.remove(client, id)
  }

  private told(user: UserRow, wanted: Wanted) {
    return this.telling.users([user], wanted)[0]
  }
}
