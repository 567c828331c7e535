import { Controller, Param } from '@nestjs/common'
import { rolesOfGroups } from '../../contract/endpoints/people.ts'
import { type Role } from '../../contract/identity.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { type Caller, CurrentCaller } from '../callers/caller.ts'
import { RoleGroupsService } from './role-groups.service.ts'

@Controller()
export class RoleGroupsController {
  constructor(private readonly roleGroups: RoleGroupsService) {}

  @Endpoint(rolesOfGroups.list)
  list() {
    return this.roleGroups.list()
  }

  @Endpoint(rolesOfGroups.add)
  add(
    @CurrentCaller() caller: Caller,
    @Param('role', { schema: rolesOfGroups.add.params.role }) given: Role,
    @Param('groupId', { schema: rolesOfGroups.add.params.groupId }) groupId: string,
  ) {
    return this.roleGroups.add(caller, given, groupId)
  }

  @Endpoint(rolesOfGroups.drop)
  drop(
    @CurrentCaller() caller: Caller,
    @Param('role', { schema: rolesOfGroups.drop.params.role }) given: Role,
    @Param('groupId', { schema: rolesOfGroups.drop.params.groupId }) groupId: string,
  ) {
    return this.roleGroups.drop(caller, given, groupId)
  }
}
