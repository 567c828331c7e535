import { Module } from '@nestjs/common'
import { ApprovalsModule } from '../approvals/approvals.module.ts'
import { GrantsModule } from '../grants/grants.module.ts'
import { IdentityModule } from '../identity/identity.module.ts'
import { IntegrationsModule } from '../integrations/integrations.module.ts'
import { RunsModule } from '../runs/runs.module.ts'
import { ActionRequestsController } from './actions/action-requests.controller.ts'
import { ActionRequests } from './actions/action-requests.service.ts'
import { ActionSubject } from './actions/action-subject.ts'
import { BundlesController } from './bundles/bundles.controller.ts'
import { Bundles } from './bundles/bundles.service.ts'
import { ExtensionRequests } from './extensions/extension-requests.ts'
import { ExtensionSubject } from './extensions/extension-subject.ts'
import { ExtensionsController } from './extensions/extensions.controller.ts'
import { FlowChecks } from './flows/flow-checks.ts'
import { FlowsController } from './flows/flows.controller.ts'
import { Flows } from './flows/flows.service.ts'
import { AccessSubject } from './requests/access-subject.ts'
import { Asks } from './requests/asks.ts'
import { Plans } from './requests/plans.ts'
import { Prospects } from './requests/prospects.ts'
import { RequestViews } from './requests/request-views.ts'
import { Requesters } from './requests/requesters.ts'
import { RequestsController } from './requests/requests.controller.ts'
import { Requests } from './requests/requests.service.ts'
import { RightsNow } from './requests/rights-now.ts'
import { Sights } from './requests/sights.ts'
import { SwitchedOff } from './requests/switched-off.ts'
import { Offers } from './resources/offers.ts'
import { ResourcesController } from './resources/resources.controller.ts'
import { SimulatorController } from './simulator/simulator.controller.ts'
import { Simulator } from './simulator/simulator.ts'

@Module({
  imports: [ApprovalsModule, IntegrationsModule, IdentityModule, GrantsModule, RunsModule],
  controllers: [
    FlowsController,
    SimulatorController,
    RequestsController,
    ActionRequestsController,
    ExtensionsController,
    BundlesController,
    ResourcesController,
  ],
  providers: [
    Flows,
    FlowChecks,
    Bundles,
    Simulator,
    Asks,
    Sights,
    Prospects,
    Requesters,
    Plans,
    SwitchedOff,
    Requests,
    RightsNow,
    AccessSubject,
    ActionRequests,
    ActionSubject,
    ExtensionSubject,
    ExtensionRequests,
    RequestViews,
    Offers,
  ],
})
export class AccessModule {}
