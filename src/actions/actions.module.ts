import { Module } from '@nestjs/common'
import { IntegrationsModule } from '../integrations/integrations.module.ts'
import { Journal } from './journal.ts'
import { ActionRunner } from './runner.ts'

@Module({ imports: [IntegrationsModule], providers: [Journal, ActionRunner], exports: [Journal, ActionRunner] })
export class ActionsModule {}
