import { Body, Controller, Get, Param, Patch, Post, Query } from '@nestjs/common'
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { id } from '../../contract/id.ts'
import {
  type NewUser,
  newUser,
  type UserChange,
  type UserDetails,
  type UserQuery,
  user,
  userChange,
  userDetails,
  userPage,
  userQuery,
} from '../../contract/identity.ts'
import { Access } from '../../platform/http/allowed-for.ts'
import { type Caller, CurrentCaller } from '../callers/caller.ts'
import { PersonDetails } from '../directory/person-details.ts'
import { UsersService } from './users.service.ts'

@ApiTags('people')
@Controller('api/users')
@Access({ scope: 'manage', roles: ['admin'] })
export class UsersController {
  constructor(
    private readonly users: UsersService,
    private readonly details: PersonDetails,
  ) {}

  @Get()
  @Access({ scope: 'read', roles: ['admin', 'owner', 'auditor'] })
  @ApiOkResponse({ standardSchema: userPage })
  list(@Query({ schema: userQuery }) query: UserQuery) {
    return this.users.list(query)
  }

  @Get(':id')
  @Access({ scope: 'read', roles: ['admin', 'owner', 'auditor'] })
  @ApiOkResponse({ standardSchema: userDetails })
  async get(@Param('id', { schema: id('usr') }) userId: string): Promise<UserDetails> {
    return this.details.of(await this.users.get(userId))
  }

  @Post()
  @ApiCreatedResponse({ standardSchema: user })
  create(@CurrentCaller() caller: Caller, @Body({ schema: newUser }) body: NewUser) {
    return this.users.create(caller, body)
  }

  @Patch(':id')
  @ApiOkResponse({ standardSchema: user })
  change(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: id('usr') }) userId: string,
    @Body({ schema: userChange }) body: UserChange,
  ) {
    return this.users.change(caller, userId, body)
  }
}
