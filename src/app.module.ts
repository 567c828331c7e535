import { type DynamicModule, Module } from '@nestjs/common'
import { ApiToken } from './identity/api-token.ts'
import { Group, GroupMember } from './identity/group.ts'
import { IdentityModule } from './identity/identity.module.ts'
import { User } from './identity/user.ts'
import { type Ground, PlatformModule } from './platform/platform.module.ts'

const ENTITIES = [User, Group, GroupMember, ApiToken]

@Module({})
export class AppModule {
  static on(ground: Omit<Ground, 'entities'>): DynamicModule {
    return { module: AppModule, imports: [PlatformModule.on({ ...ground, entities: ENTITIES }), IdentityModule] }
  }
}
