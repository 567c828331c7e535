import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common'
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { id } from '../../contract/id.ts'
import {
  type GroupQuery,
  group,
  groupPage,
  groupQuery,
  groupWithMembers,
  type NewGroup,
  newGroup,
} from '../../contract/identity.ts'
import { Access } from '../../platform/http/allowed-for.ts'
import { type Caller, CurrentCaller } from '../callers/caller.ts'
import { GroupsService } from './groups.service.ts'

@ApiTags('people')
@Controller('api/groups')
@Access({ scope: 'manage', roles: ['admin'] })
export class GroupsController {
  constructor(private readonly groups: GroupsService) {}

  @Get()
  @Access({ scope: 'read', roles: ['admin', 'owner', 'auditor'] })
  @ApiOkResponse({ standardSchema: groupPage })
  list(@Query({ schema: groupQuery }) query: GroupQuery) {
    return this.groups.list(query)
  }

  @Get(':id')
  @Access({ scope: 'read', roles: ['admin', 'owner', 'auditor'] })
  @ApiOkResponse({ standardSchema: groupWithMembers })
  get(@Param('id', { schema: id('grp') }) groupId: string) {
    return this.groups.get(groupId)
  }

  @Post()
  @ApiCreatedResponse({ standardSchema: group })
  create(@CurrentCaller() caller: Caller, @Body({ schema: newGroup }) body: NewGroup) {
    return this.groups.create(caller, body)
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiNoContentResponse()
  remove(@CurrentCaller() caller: Caller, @Param('id', { schema: id('grp') }) groupId: string) {
    return this.groups.remove(caller, groupId)
  }

  @Put(':id/members/:userId')
  @HttpCode(204)
  @ApiNoContentResponse()
  add(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: id('grp') }) groupId: string,
    @Param('userId', { schema: id('usr') }) userId: string,
  ) {
    return this.groups.add(caller, groupId, userId)
  }

  @Delete(':id/members/:userId')
  @HttpCode(204)
  @ApiNoContentResponse()
  drop(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: id('grp') }) groupId: string,
    @Param('userId', { schema: id('usr') }) userId: string,
  ) {
    return this.groups.drop(caller, groupId, userId)
  }
}
