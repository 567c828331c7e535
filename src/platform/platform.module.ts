import { type DynamicModule, Module } from '@nestjs/common'
import { DiscoveryModule } from '@nestjs/core'
import { DataSource } from 'typeorm'
import type { Config } from '../config/config.ts'
import { DueWork } from './due/due-work.ts'
import { Retention } from './due/retention.ts'
import { Stopping } from './due/stopping.ts'
import { Cursors } from './http/cursors.ts'
import { RouteTable } from './http/route-table.ts'
import { adoptInstallation, Installation } from './installation/installation.ts'
import type { StateFolder } from './installation/state-folder.ts'
import { Database, dataSourceOptions, HASTY, THOROUGH, ThoroughDatabase, URGENT, UrgentDatabase } from './postgres/database.ts'
import { type Patience, Peers } from './postgres/database-client.ts'
import { KeyChange } from './sealing/key-change.ts'
import { SealedColumns } from './sealing/sealed-columns.ts'
import { Sealer } from './sealing/sealing.ts'
import { HealthController } from './watching/health.controller.ts'
import { Metrics } from './watching/metrics.ts'
import { MetricsServer } from './watching/metrics-server.ts'
import { Readiness } from './watching/readiness.ts'

/** `@Inject(CONFIG) config: Config` */
export const CONFIG = Symbol('CONFIG')

const URGENT_POOL = 8
const THOROUGH_POOL = 2

export interface Ground {
  readonly config: Config
  readonly databaseUrl: string
  readonly state: StateFolder
}

@Module({})
class PlatformModule {}

/** The world below every other module, the same objects for all of them. */
export function platformModule({ config, databaseUrl, state }: Ground): DynamicModule {
  const peers = new Peers()
  const { formerKeys = [] } = state
  const connected = (poolSize: number, patience: Patience) =>
    new DataSource(dataSourceOptions(databaseUrl, poolSize, patience, peers)).initialize()
  const providers = [
    { provide: CONFIG, useValue: config },
    { provide: Database, useFactory: async () => new Database(await connected(config.poolSize, HASTY)) },
    { provide: UrgentDatabase, useFactory: async () => new UrgentDatabase(await connected(URGENT_POOL, URGENT)) },
    {
      provide: ThoroughDatabase,
      useFactory: async () => new ThoroughDatabase(await connected(THOROUGH_POOL, THOROUGH)),
    },
    { provide: DueWork, useFactory: () => new DueWork(databaseUrl, peers) },
    { provide: Sealer, useFactory: () => new Sealer(state.key, [...formerKeys, ...(state.nextKeys ?? [])]) },
    { provide: Cursors, useFactory: () => new Cursors(state.key) },
    {
      provide: Installation,
      inject: [Database],
      useFactory: (database: Database) =>
        adoptInstallation(database, {
          demanded: config.instance,
          proposed: state.instance,
          development: config.development,
        }),
    },
    {
      provide: KeyChange,
      inject: [Sealer, SealedColumns, Database, DueWork],
      useFactory: (sealer: Sealer, columns: SealedColumns, database: Database, work: DueWork) =>
        new KeyChange(sealer, columns, database, work, {
          former: formerKeys.map((key) => new Sealer(key).keyId),
          lost: config.lostKeys,
        }),
    },
    Metrics,
    {
      provide: MetricsServer,
      inject: [Metrics],
      useFactory: (metrics: Metrics) => new MetricsServer(metrics, config.metricsAddress),
    },
    Readiness,
    Retention,
    RouteTable,
    SealedColumns,
    Stopping,
  ]
  return {
    module: PlatformModule,
    global: true,
    imports: [DiscoveryModule],
    controllers: [HealthController],
    providers,
    exports: providers.map((provider) => ('provide' in provider ? provider.provide : provider)),
  }
}
