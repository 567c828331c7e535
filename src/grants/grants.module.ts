import { Module } from '@nestjs/common'
import { ActionsModule } from '../actions/actions.module.ts'
import { IntegrationsModule } from '../integrations/integrations.module.ts'
import { Alterations } from './alterations.ts'
import { EndAccessController } from './end-access.controller.ts'
import { AccessEnding } from './end-access.ts'
import { Extensions } from './extensions.ts'
import { GrantsController } from './grants.controller.ts'
import { Grants } from './grants.service.ts'
import { LeaversGrants } from './leavers-grants.ts'
import { Openings } from './opening.ts'
import { Provisioning } from './provisioning.ts'
import { Recheck } from './recheck.ts'
import { Reconciler } from './reconciler.ts'
import { RestoreWatch } from './restore-watch.ts'
import { GrantRetention } from './retention.ts'
import { Revocation } from './revocation.ts'
import { SameSystemProof } from './same-system.ts'
import { StrayPieces } from './stray-pieces.ts'
import { SweepController } from './sweep.controller.ts'
import { Sweep } from './sweep.ts'

@Module({
  imports: [ActionsModule, IntegrationsModule],
  controllers: [GrantsController, SweepController, EndAccessController],
  providers: [
    Provisioning,
    Revocation,
    Recheck,
    Openings,
    Extensions,
    StrayPieces,
    Alterations,
    Sweep,
    RestoreWatch,
    SameSystemProof,
    LeaversGrants,
    Reconciler,
    AccessEnding,
    GrantRetention,
    Grants,
  ],
  exports: [Provisioning, Extensions, ActionsModule],
})
export class GrantsModule {}
