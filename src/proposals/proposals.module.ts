import { Global, Module } from '@nestjs/common'
import { FourEyes } from './four-eyes.ts'
import { ProposalsController } from './proposals.controller.ts'
import { Proposals } from './proposals.service.ts'

/** Below the rooms whose changes it holds back; they say how their changes are made. */
@Global()
@Module({ controllers: [ProposalsController], providers: [FourEyes, Proposals], exports: [FourEyes] })
export class ProposalsModule {}
