import { Body, Controller, Param, Query } from '@nestjs/common'
import { users } from '../../contract/endpoints/people.ts'
import type { NewUser, UserChange, UserDetails, UserQuery } from '../../contract/identity.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { type Caller, CurrentCaller } from '../callers/caller.ts'
import { PersonDetails } from '../directory/person-details.ts'
import { UsersService } from './users.service.ts'

@Controller()
export class UsersController {
  constructor(
    private readonly users: UsersService,
    private readonly details: PersonDetails,
  ) {}

  @Endpoint(users.list)
  list(@Query({ schema: users.list.query }) query: UserQuery) {
    return this.users.list(query)
  }

  @Endpoint(users.get)
  async get(@Param('id', { schema: users.get.params.id }) userId: string): Promise<UserDetails> {
    return this.details.of(await this.users.get(userId))
  }

  @Endpoint(users.create)
  create(@CurrentCaller() caller: Caller, @Body({ schema: users.create.body }) body: NewUser) {
    return this.users.create(caller, body)
  }

  @Endpoint(users.change)
  change(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: users.change.params.id }) userId: string,
    @Body({ schema: users.change.body }) body: UserChange,
  ) {
    return this.users.change(caller, userId, body)
  }
}
