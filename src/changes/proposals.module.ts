import { Global, Module } from '@nestjs/common'
import { APP_INTERCEPTOR } from '@nestjs/core'
import { FourEyes } from './four-eyes.ts'
import { HeldAsAccepted } from './held.ts'
import { OrderKeys } from './order-keys.ts'
import { Performing } from './performing.ts'
import { ProposalsController } from './proposals.controller.ts'
import { Proposals } from './proposals.service.ts'
import { ScimTokenChanges } from './scim-token-changes.ts'
import { ScimTokensController } from './scim-tokens.controller.ts'

/** Below the rooms whose changes it holds back; they say how their changes are made. */
@Global()
@Module({
  controllers: [ProposalsController, ScimTokensController],
  providers: [
    ScimTokenChanges,
    FourEyes,
    OrderKeys,
    Proposals,
    Performing,
    { provide: APP_INTERCEPTOR, useClass: HeldAsAccepted },
  ],
  exports: [FourEyes, OrderKeys],
})
export class ProposalsModule {}
