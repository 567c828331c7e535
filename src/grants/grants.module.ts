import { Module } from '@nestjs/common'
import { ActionsModule } from '../actions/actions.module.ts'
import { IntegrationsModule } from '../integrations/integrations.module.ts'
import { EndAccessController } from './ending/end-access.controller.ts'
import { AccessEnding } from './ending/end-access.ts'
import { LeaversGrants } from './ending/leavers-grants.ts'
import { Revocation } from './ending/revocation.ts'
import { WriteOffController } from './ending/write-off.controller.ts'
import { WritingOff } from './ending/write-off.ts'
import { Extensions } from './extension/extensions.ts'
import { GrantsController } from './grants.controller.ts'
import { Grants } from './grants.service.ts'
import { LivingGrants } from './living-grants.ts'
import { GrantNews } from './news.ts'
import { Openings } from './opening/opening.ts'
import { Provisioning } from './provisioning/provisioning.ts'
import { Recheck } from './provisioning/recheck.ts'
import { Reconciler } from './reconciler.ts'
import { GrantRetention } from './retention.ts'
import { Alterations } from './sweep/alterations.ts'
import { CameBack } from './sweep/came-back.ts'
import { RestoreWatch } from './sweep/restore-watch.ts'
import { SameSystemProof } from './sweep/same-system.ts'
import { StrayPieces } from './sweep/stray-pieces.ts'
import { SweepController } from './sweep/sweep.controller.ts'
import { Sweep } from './sweep/sweep.ts'

@Module({
  imports: [ActionsModule, IntegrationsModule],
  controllers: [GrantsController, SweepController, EndAccessController, WriteOffController],
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
    LivingGrants,
    Reconciler,
    AccessEnding,
    WritingOff,
    CameBack,
    GrantRetention,
    Grants,
    GrantNews,
  ],
  exports: [Provisioning, Extensions, ActionsModule],
})
export class GrantsModule {}
