import { Module } from '@nestjs/common'
import { GrantsModule } from '../grants/grants.module.ts'
import { IdentityModule } from '../identity/identity.module.ts'
import { IntegrationsModule } from '../integrations/integrations.module.ts'
import { Decisions } from './decisions.service.ts'
import { ExtensionRequests } from './extension-requests.ts'
import { ExtensionsController } from './extensions.controller.ts'
import { FlowsController } from './flows.controller.ts'
import { Flows } from './flows.service.ts'
import { RequestViews } from './request-views.ts'
import { RequestsController } from './requests.controller.ts'
import { Requests } from './requests.service.ts'

@Module({
  imports: [IntegrationsModule, IdentityModule, GrantsModule],
  controllers: [FlowsController, RequestsController, ExtensionsController],
  providers: [Flows, Requests, Decisions, ExtensionRequests, RequestViews],
})
export class AccessModule {}
