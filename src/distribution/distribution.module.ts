import { Module } from '@nestjs/common'
import { IntegrationsModule } from '../integrations/integrations.module.ts'
import { RunsModule } from '../runs/runs.module.ts'
import { CertificatesController } from './certificates/certificates.controller.ts'
import { Certificates } from './certificates/certificates.service.ts'
import { Expiry } from './certificates/expiry.ts'
import { Keeping } from './certificates/keeping.ts'
import { Revocations } from './certificates/revocations.ts'
import { RevokedSince } from './certificates/revoked-since.ts'
import { DistributionsController } from './fan-out/distributions.controller.ts'
import { Distributions } from './fan-out/distributions.service.ts'
import { DryRuns } from './fan-out/dry-runs.ts'
import { FanOut } from './fan-out/fan-out.ts'
import { Fitting } from './fan-out/fitting.ts'
import { InTurn } from './fan-out/in-turn.ts'
import { LaterOrders } from './fan-out/later-orders.ts'
import { LostDistributions } from './fan-out/lost-distributions.ts'
import { PuttingBack } from './fan-out/putting-back.ts'
import { StillWanted } from './fan-out/still-wanted.ts'
import { Wishes } from './fan-out/wishes.ts'
import { Adopting } from './sources/adopting.ts'
import { Origins } from './sources/origins.ts'
import { SourcesReconciler } from './sources/reconciler.ts'
import { Renewing } from './sources/renewing.ts'
import { Revoked } from './sources/revoked.ts'
import { Sending } from './sources/sending.ts'
import { SourcesController } from './sources/sources.controller.ts'
import { Sources } from './sources/sources.service.ts'
import { CredentialsController } from './targets/credentials.controller.ts'
import { Credentials } from './targets/credentials.service.ts'
import { TargetConnections } from './targets/target-connections.ts'
import { TargetsController } from './targets/targets.controller.ts'
import { Targets } from './targets/targets.service.ts'

@Module({
  imports: [IntegrationsModule, RunsModule],
  controllers: [CertificatesController, SourcesController, CredentialsController, TargetsController, DistributionsController],
  providers: [
    Certificates,
    Keeping,
    Expiry,
    Revocations,
    RevokedSince,
    Origins,
    Sources,
    Sending,
    Adopting,
    Renewing,
    Revoked,
    SourcesReconciler,
    Credentials,
    TargetConnections,
    Targets,
    Fitting,
    DryRuns,
    LaterOrders,
    InTurn,
    FanOut,
    StillWanted,
    LostDistributions,
    Wishes,
    PuttingBack,
    Distributions,
  ],
})
export class DistributionModule {}
