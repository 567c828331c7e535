import { Body, Controller, Delete, Get, Header, HttpCode, Param, Patch, Post, Put, Query, Res } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import type { Response } from 'express'
import { z } from 'zod'
import { ScimAccess } from '../../platform/http/allowed-for.ts'
import { type ListQuery, listQuery, listResponse, type OneQuery, oneQuery } from './list.ts'
import type { Wanted } from './projection.ts'
import { CurrentScimClient, type ScimClient } from './scim-authentication.ts'
import { type GroupRow, ScimGroups } from './scim-groups.service.ts'
import { ScimTelling } from './telling.ts'

const SCIM_JSON = 'application/scim+json'
const object = z.record(z.string(), z.unknown())
const anyId = z.string()

@ApiExcludeController()
@Controller('scim/v2/Groups')
@ScimAccess()
export class ScimGroupsController {
  constructor(
    private readonly groups: ScimGroups,
    private readonly telling: ScimTelling,
  ) {}

  @Get()
  @Header('content-type', SCIM_JSON)
  async list(@Query({ schema: listQuery }) query: ListQuery) {
    const found = await this.groups.list(query)
    return listResponse(found, await this.telling.groups(found.rows, query))
  }

  @Get(':id')
  @Header('content-type', SCIM_JSON)
  async get(@Param('id', { schema: anyId }) id: string, @Query({ schema: oneQuery }) query: OneQuery) {
    return this.one(await this.groups.get(id), query)
  }

  @Post()
  @Header('content-type', SCIM_JSON)
  async create(
    @CurrentScimClient() client: ScimClient,
    @Body({ schema: object }) body: unknown,
    @Query({ schema: oneQuery }) query: OneQuery,
    @Res({ passthrough: true }) response: Response,
  ) {
    const group = await this.groups.create(client, body)
    response.location(this.telling.addressOf('Group', group.id))
    return this.one(group, query)
  }

  @Put(':id')
  @Header('content-type', SCIM_JSON)
  async replace(
    @CurrentScimClient() client: ScimClient,
    @Param('id', { schema: anyId }) id: string,
    @Body({ schema: object }) body: unknown,
    @Query({ schema: oneQuery }) query: OneQuery,
  ) {
    return this.one(await this.groups.replace(client, id, body), query)
  }

  /** Answers the group only to those who say what of it they want: it may have thousands of members. */
  @Patch(':id')
  async patch(
    @CurrentScimClient() client: ScimClient,
    @Param('id', { schema: anyId }) id: string,
    @Body({ schema: object }) body: unknown,
    @Query({ schema: oneQuery }) query: OneQuery,
    @Res({ passthrough: true }) response: Response,
  ) {
    const group = await this.groups.patch(client, id, body)
    if (query.attributes === undefined) return void response.status(204)
    response.type(SCIM_JSON)
    return this.one(group, query)
  }

  @Delete(':id')
  @HttpCode(204)
  remove(@CurrentScimClient() client: ScimClient, @Param('id', { schema: anyId }) id: string) {
    return this.groups.remove(client, id)
  }

  private async one(group: GroupRow, wanted: Wanted) {
    return (await this.telling.groups([group], wanted))[0]
  }
}
