import { Module } from '@nestjs/common'
import { IntegrationsModule } from '../integrations/integrations.module.ts'
import { RunsModule } from '../runs/runs.module.ts'
import { ByHand } from './by-hand.ts'
import { Doing } from './doing.ts'
import { Following } from './following.ts'
import { Making } from './making.ts'
import { RotationsUnderTest } from './orphans.ts'
import { RotationReconciler } from './reconciler.ts'
import { RotationViews } from './rotation-views.ts'
import { RotationsController } from './rotations.controller.ts'
import { Rotations } from './rotations.service.ts'
import { Settling } from './settling.ts'
import { WebhookTest } from './webhook-test.ts'
import { RotationTests } from './webhook-tester.ts'

/** What is done over and over by a schedule. */
@Module({
  imports: [RunsModule, IntegrationsModule],
  controllers: [RotationsController],
  providers: [
    Doing,
    RotationViews,
    Rotations,
    Making,
    Following,
    WebhookTest,
    Settling,
    ByHand,
    RotationReconciler,
    RotationTests,
    RotationsUnderTest,
  ],
  exports: [RotationTests],
})
export class RotationModule {}
