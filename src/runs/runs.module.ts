import { Module } from '@nestjs/common'
import { ActionsModule } from '../actions/actions.module.ts'
import { IntegrationsModule } from '../integrations/integrations.module.ts'
import { Cancelling } from './cancelling.ts'
import { CarryingOut } from './carrying-out.ts'
import { ComingBack } from './coming-back.ts'
import { LeftRuns } from './left-runs.ts'
import { LostRuns } from './lost-runs.ts'
import { OfferedActions } from './offered.ts'
import { Orders } from './orders.service.ts'
import { Previews } from './previews.ts'
import { RunViews } from './run-views.ts'
import { RunsController } from './runs.controller.ts'
import { TakingBack } from './taking-back.ts'

@Module({
  imports: [ActionsModule, IntegrationsModule],
  controllers: [RunsController],
  providers: [OfferedActions, Previews, RunViews, Orders, CarryingOut, TakingBack, ComingBack, Cancelling, LeftRuns, LostRuns],
  exports: [CarryingOut, Orders, Previews, RunViews, TakingBack, ComingBack, Cancelling, ActionsModule],
})
export class RunsModule {}
