import { Body, Controller, Param, Query } from '@nestjs/common'
import { groups } from '../../contract/endpoints/people.ts'
import type { GroupQuery, NewGroup } from '../../contract/identity.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { type Caller, CurrentCaller } from '../callers/caller.ts'
import { GroupsService } from './groups.service.ts'

@Controller()
export class GroupsController {
  constructor(private readonly groups: GroupsService) {}

  @Endpoint(groups.list)
  list(@Query({ schema: groups.list.query }) query: GroupQuery) {
    return this.groups.list(query)
  }

  @Endpoint(groups.get)
  get(@Param('id', { schema: groups.get.params.id }) groupId: string) {
    return this.groups.get(groupId)
  }

  @Endpoint(groups.create)
  create(@CurrentCaller() caller: Caller, @Body({ schema: groups.create.body }) body: NewGroup) {
    return this.groups.create(caller, body)
  }

  @Endpoint(groups.remove)
  remove(@CurrentCaller() caller: Caller, @Param('id', { schema: groups.remove.params.id }) groupId: string) {
    return this.groups.remove(caller, groupId)
  }

  @Endpoint(groups.add)
  add(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: groups.add.params.id }) groupId: string,
    @Param('userId', { schema: groups.add.params.userId }) userId: string,
  ) {
    return this.groups.add(caller, groupId, userId)
  }

  @Endpoint(groups.drop)
  drop(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: groups.drop.params.id }) groupId: string,
    @Param('userId', { schema: groups.drop.params.userId }) userId: string,
  ) {
    return this.groups.drop(caller, groupId, userId)
  }
}
