import { type DynamicModule, Module } from '@nestjs/common'
import { AccessModule } from './access/access.module.ts'
import { AuditModule } from './audit/audit.module.ts'
import { catalogModule } from './catalog/catalog.module.ts'
import { plugins as PLUGINS } from './catalog/plugins.ts'
import { ProposalsModule } from './changes/proposals.module.ts'
import { DistributionModule } from './distribution/distribution.module.ts'
import { IdentityModule } from './identity/identity.module.ts'
import { IntegrationsModule } from './integrations/integrations.module.ts'
import { NotificationsModule } from './notifications/notifications.module.ts'
import { type Ground, platformModule } from './platform/platform.module.ts'
import { RotationModule } from './rotation/rotation.module.ts'
import { RunsModule } from './runs/runs.module.ts'
import type { AnyPlugin } from './sdk/index.ts'

@Module({})
class AppModule {}

/** Every module of the broker, lowest first. */
export function appModule({
  plugins = PLUGINS,
  ...ground
}: Ground & { readonly plugins?: readonly AnyPlugin[] }): DynamicModule & {
  imports: NonNullable<DynamicModule['imports']>
} {
  return {
    module: AppModule,
    imports: [
      platformModule(ground),
      IdentityModule,
      AuditModule,
      ProposalsModule,
      catalogModule(plugins),
      IntegrationsModule,
      RunsModule,
      RotationModule,
      DistributionModule,
      AccessModule,
      NotificationsModule,
    ],
  }
}
