import { Module } from '@nestjs/common'
import { GrantsModule } from '../grants/grants.module.ts'
import { IdentityModule } from '../identity/identity.module.ts'
import { IntegrationsModule } from '../integrations/integrations.module.ts'
import { Approvers } from './approvers.ts'
import { Asks } from './asks.ts'
import { BundlesController } from './bundles.controller.ts'
import { Bundles } from './bundles.service.ts'
import { Decisions } from './decisions.service.ts'
import { ExtensionRequests } from './extension-requests.ts'
import { ExtensionsController } from './extensions.controller.ts'
import { FlowChecks } from './flow-checks.ts'
import { FlowsController } from './flows.controller.ts'
import { Flows } from './flows.service.ts'
import { Leavers } from './leavers.ts'
import { Plans } from './plans.ts'
import { RequestViews } from './request-views.ts'
import { Requesters } from './requesters.ts'
import { RequestsController } from './requests.controller.ts'
import { Requests } from './requests.service.ts'
import { ResourcesController } from './resources.controller.ts'
import { ReviewsController } from './reviews.controller.ts'
import { Reviews } from './reviews.service.ts'
import { RightsNow } from './rights-now.ts'
import { Sights } from './sights.ts'
import { Simulator } from './simulator.ts'
import { Submissions } from './submissions.ts'
import { SwitchedOff } from './switched-off.ts'
import { Undecidable } from './undecidable.ts'
import { Waiting } from './waiting.ts'

@Module({
  imports: [IntegrationsModule, IdentityModule, GrantsModule],
  controllers: [
    FlowsController,
    RequestsController,
    ExtensionsController,
    BundlesController,
    ReviewsController,
    ResourcesController,
  ],
  providers: [
    Flows,
    FlowChecks,
    Bundles,
    Reviews,
    Simulator,
    Asks,
    Sights,
    Requesters,
    Approvers,
    Plans,
    Waiting,
    Leavers,
    SwitchedOff,
    Undecidable,
    Submissions,
    Requests,
    RightsNow,
    Decisions,
    ExtensionRequests,
    RequestViews,
  ],
  exports: [Approvers],
})
export class AccessModule {}
