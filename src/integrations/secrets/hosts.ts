import { readFile } from 'node:fs/promises'
import { Inject, Injectable, Logger } from '@nestjs/common'
import type { Config } from '../../config/config.ts'
import { addressOf, type LentFile } from '../../config/integration-files.ts'
import { VERSION } from '../../platform/installation/version.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { UrgentDatabase } from '../../platform/postgres/database.ts'
import { Sealer } from '../../platform/sealing/sealing.ts'
import type { Host, Json, Secret } from '../../sdk/index.ts'
import { type Keeper, keepSecret, recallSecret } from './kept-secrets.ts'

/** A host for a configuration that is being tried out. What the plugin keeps stays in memory until the integration is saved. */
export interface DraftHost extends Host {
  readonly kept: ReadonlyMap<string, Secret>
}

/** Gives every plugin its view of the daemon. */
@Injectable()
export class Hosts {
  constructor(
    private readonly database: UrgentDatabase,
    private readonly sealer: Sealer,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  for(keeper: Keeper): Host {
    return {
      ...this.base(keeper),
      keep: (name, value) => keepSecret(this.database.pool, this.sealer, keeper, name, value),
      recall: (name) => recallSecret(this.database.pool, this.sealer, keeper, name),
    }
  }

  draft(keeper: Keeper): DraftHost {
    const kept = new Map<string, Secret>()
    return {
      ...this.base(keeper),
      kept,
      keep: async (name, value) => void kept.set(name, value),
      recall: async (name) => kept.get(name) ?? recallSecret(this.database.pool, this.sealer, keeper, name),
    }
  }

  private base({ integrationId }: Keeper) {
    const log = logOf(integrationId)
    return {
      integrationId,
      version: VERSION,
      insecureDevelopment: this.config.development,
      log,
      file: (path: string, addresses: readonly string[]) => readLent(this.config.integrationFiles, path, addresses, log),
    }
  }
}

/** Why there is no text is for the operator's eyes: told to callers, it would say what lies on the daemon's disk. */
async function readLent(
  lent: readonly LentFile[],
  path: string,
  addresses: readonly string[],
  log: Host['log'],
): Promise<string | undefined> {
  const isLentFor = (address: string) => lent.some((file) => file.path === path && file.address === addressOf(address))
  const stranger = addresses.find((address) => !isLentFor(address))
  if (stranger !== undefined) {
    log('warn', 'LATCHKEY_INTEGRATION_FILES does not allow this file for this address', { path, address: stranger })
    return undefined
  }
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    log('warn', 'a file in LATCHKEY_INTEGRATION_FILES cannot be read', { path, error: String(error) })
    return undefined
  }
}

const logger = new Logger('Plugin')
const METHODS = { debug: 'debug', info: 'log', warn: 'warn', error: 'error' } as const

function logOf(integration: string) {
  return (level: keyof typeof METHODS, message: string, fields: Readonly<Record<string, Json>> = {}): void =>
    logger[METHODS[level]]({ ...fields, integration }, message)
}
