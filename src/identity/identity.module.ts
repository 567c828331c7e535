import { Global, Module } from '@nestjs/common'
import { APP_GUARD } from '@nestjs/core'
import { AccessGuard } from './access.guard.ts'
import { Authentication } from './authentication.ts'
import { Directory } from './directory.ts'
import { GroupsController } from './groups.controller.ts'
import { GroupsService } from './groups.service.ts'
import { MeController } from './me.controller.ts'
import { TokensController } from './tokens.controller.ts'
import { TokensService } from './tokens.service.ts'
import { UsersController } from './users.controller.ts'
import { UsersService } from './users.service.ts'

/** People, what they prove themselves with, and the guard before every endpoint. Everybody may ask the `Directory`. */
@Global()
@Module({
  controllers: [UsersController, GroupsController, TokensController, MeController],
  providers: [
    Authentication,
    Directory,
    GroupsService,
    TokensService,
    UsersService,
    { provide: APP_GUARD, useClass: AccessGuard },
  ],
  exports: [Directory, Authentication],
})
export class IdentityModule {}
