import { Module } from '@nestjs/common'
import { IntegrationsModule } from '../integrations/integrations.module.ts'
import { Journal } from './journal.ts'
import { ActionRunner } from './runner.ts'
import { Undo } from './undo.ts'
import { UnfinishedRuns } from './unfinished-runs.ts'

@Module({
  imports: [IntegrationsModule],
  providers: [Journal, ActionRunner, Undo, UnfinishedRuns],
  exports: [Journal, ActionRunner, Undo],
})
export class ActionsModule {}
