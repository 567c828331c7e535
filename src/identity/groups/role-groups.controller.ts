import { Controller, Delete, Get, HttpCode, Param, Put } from '@nestjs/common'
import { ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { id } from '../../contract/id.ts'
import { type Role, role, roleGroups } from '../../contract/identity.ts'
import { Access } from '../../platform/http/allowed-for.ts'
import { type Caller, CurrentCaller } from '../callers/caller.ts'
import { RoleGroupsService } from './role-groups.service.ts'

@ApiTags('people')
@Controller('api/role-groups')
@Access({ scope: 'manage', roles: ['admin'] })
export class RoleGroupsController {
  constructor(private readonly roleGroups: RoleGroupsService) {}

  @Get()
  @Access({ scope: 'read', roles: ['admin', 'owner', 'auditor'] })
  @ApiOkResponse({ standardSchema: roleGroups })
  list() {
    return this.roleGroups.list()
  }

  @Put(':role/:groupId')
  @HttpCode(204)
  @ApiNoContentResponse()
  add(
    @CurrentCaller() caller: Caller,
    @Param('role', { schema: role }) given: Role,
    @Param('groupId', { schema: id('grp') }) groupId: string,
  ) {
    return this.roleGroups.add(caller, given, groupId)
  }

  @Delete(':role/:groupId')
  @HttpCode(204)
  @ApiNoContentResponse()
  drop(
    @CurrentCaller() caller: Caller,
    @Param('role', { schema: role }) given: Role,
    @Param('groupId', { schema: id('grp') }) groupId: string,
  ) {
    return this.roleGroups.drop(caller, given, groupId)
  }
}
