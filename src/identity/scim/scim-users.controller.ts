import { Body, Controller, Delete, Get, Header, HttpCode, Inject, Param, Patch, Post, Put, Query, Res } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import type { Response } from 'express'
import { z } from 'zod'
import type { Config } from '../../config.ts'
import { ScimAccess } from '../../platform/access.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { type ListQuery, listQuery, listResponse, type OneQuery, oneQuery } from './list.ts'
import { project, type Wanted } from './projection.ts'
import { locationOf, userResource } from './resources.ts'
import { CurrentScimClient, type ScimClient } from './scim-authentication.ts'
import { ScimUsers, type UserRow } from './scim-users.service.ts'

const SCIM_JSON = 'application/scim+json'
const object = z.record(z.string(), z.unknown())
const anyId = z.string()

@ApiExcludeController()
@Controller('scim/v2/Users')
@ScimAccess()
export class ScimUsersController {
  private readonly base: string

  constructor(
    private readonly users: ScimUsers,
    @Inject(CONFIG) { publicUrl = '' }: Config,
  ) {
    this.base = publicUrl.replace(/\/$/, '')
  }

  @Get()
  @Header('content-type', SCIM_JSON)
  async list(@Query({ schema: listQuery }) query: ListQuery) {
    const found = await this.users.list(query)
    return listResponse(
      found,
      found.rows.map((user) => this.told(user, query)),
    )
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
    response.location(locationOf('User', user.id, this.base))
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
    return project(userResource(user, this.base), wanted)
  }
}
