import { Module } from '@nestjs/common'
import { ScheduleModule } from '@nestjs/schedule'
import { Connections } from './connections/connections.ts'
import { Deliveries } from './deliveries.ts'
import { DiscoveryController } from './discovery/discovery.controller.ts'
import { Discovery } from './discovery/discovery.ts'
import { Health } from './health/health.service.ts'
import { SessionAlarm } from './health/session-alarm.ts'
import { TargetSessions } from './health/target-sessions.ts'
import { Inhabitants } from './inhabitants.ts'
import { IntegrationChanges } from './integration-changes.ts'
import { IntegrationStates } from './integration-states.ts'
import { IntegrationsController } from './integrations.controller.ts'
import { Integrations } from './integrations.service.ts'
import { Moves } from './moves.ts'
import { OwnershipController } from './ownership/ownership.controller.ts'
import { Ownerships } from './ownership/ownership.service.ts'
import { Resources } from './resources/resources.service.ts'
import { Bindings } from './secrets/bindings.ts'
import { Hosts } from './secrets/hosts.ts'
import { Trials } from './trial.ts'

@Module({
  imports: [ScheduleModule.forRoot()],
  controllers: [OwnershipController, IntegrationsController, DiscoveryController],
  providers: [
    Bindings,
    Connections,
    Deliveries,
    Discovery,
    Health,
    Hosts,
    Inhabitants,
    IntegrationChanges,
    Integrations,
    IntegrationStates,
    Moves,
    Ownerships,
    Resources,
    SessionAlarm,
    TargetSessions,
    Trials,
  ],
  exports: [Connections, Deliveries, Inhabitants, IntegrationStates, Moves, Resources, Trials],
})
export class IntegrationsModule {}
