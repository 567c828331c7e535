import { Inject, Injectable, Logger } from '@nestjs/common'
import type { Config } from '../config.ts'
import { Database } from '../platform/database.ts'
import { CONFIG } from '../platform/platform.module.ts'
import { Sealer } from '../platform/sealing.ts'
import { VERSION } from '../platform/version.ts'
import type { Host, Json, Secret } from '../sdk/index.ts'
import { keepSecret, recallSecret } from './kept-secrets.ts'

/** A host for a configuration that is being tried out. What the plugin keeps stays in memory until the integration is saved. */
export interface DraftHost extends Host {
  readonly kept: ReadonlyMap<string, Secret>
}

/** Gives every plugin its view of the daemon. */
@Injectable()
export class Hosts {
  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  for(integrationId: string): Host {
    return {
      ...this.base(integrationId),
      keep: (name, value) => keepSecret(this.database.pool, this.sealer, integrationId, name, value),
      recall: (name) => recallSecret(this.database.pool, this.sealer, integrationId, name),
    }
  }

  draft(integrationId: string): DraftHost {
    const kept = new Map<string, Secret>()
    return {
      ...this.base(integrationId),
      kept,
      keep: async (name, value) => void kept.set(name, value),
      recall: async (name) => kept.get(name) ?? recallSecret(this.database.pool, this.sealer, integrationId, name),
    }
  }

  private base(integrationId: string) {
    return {
      integrationId,
      version: VERSION,
      insecureDevelopment: this.config.development,
      log: logOf(integrationId),
    }
  }
}

const logger = new Logger('Plugin')
const METHODS = { debug: 'debug', info: 'log', warn: 'warn', error: 'error' } as const

function logOf(integration: string) {
  return (level: keyof typeof METHODS, message: string, fields: Readonly<Record<string, Json>> = {}): void =>
    logger[METHODS[level]]({ ...fields, integration }, message)
}
