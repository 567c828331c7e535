import { Injectable } from '@nestjs/common'
import { record } from '../audit/record.ts'
import { Stopping } from '../platform/due/stopping.ts'
import { Database } from '../platform/postgres/database.ts'
import { type AnyPlugin, BrokerError, type HealthCheck, type Secret } from '../sdk/index.ts'
import { within } from './connections/within.ts'
import { checkHealth, guaranteesOf } from './health/health.ts'
import type { Guarantees } from './integration.ts'
import { takeOutSecrets } from './secrets/config-secrets.ts'
import { digestOf, shownDestination } from './secrets/destination.ts'
import { Hosts } from './secrets/hosts.ts'

const CLOSE_MS = 5_000

/** What came of trying a configuration out. */
export interface Trial {
  readonly checks: readonly HealthCheck[]
  readonly guarantees: Guarantees | undefined
  /** what the plugin wanted kept, to be stored with the integration */
  readonly kept: ReadonlyMap<string, Secret>
  /** digest of where the trial went */
  readonly destination: string
}

/** Tries configurations out before anything is saved. */
@Injectable()
export class Trials {
  constructor(
    private readonly hosts: Hosts,
    private readonly database: Database,
    private readonly stopping: Stopping,
  ) {}

  /** @param integrationId of the integration it is for, or will be for. The trail has it before anything leaves. */
  async run(by: string, plugin: AnyPlugin, config: unknown, integrationId: string): Promise<Trial> {
    const { clear } = takeOutSecrets(config)
    const data = { plugin: plugin.manifest.id, destination: shownDestination(plugin, clear) }
    await record(this.database.pool, { kind: 'integration.tested', actor: by, subject: integrationId, data })
    const destination = digestOf(plugin, clear)
    const host = this.hosts.draft({ integrationId, destination })
    let client: unknown
    try {
      client = await plugin.connect(config, host)
    } catch (error) {
      if (!(error instanceof BrokerError) || error.code === 'input.invalid') throw error
      const check: HealthCheck = { name: 'connection', status: 'failed', detail: error.message, fix: error.fix }
      return { checks: [check], guarantees: undefined, kept: host.kept, destination }
    }
    try {
      return {
        checks: await checkHealth(plugin, client, this.stopping.lastCall, 'thorough'),
        guarantees: guaranteesOf(plugin, client),
        kept: host.kept,
        destination,
      }
    } finally {
      // A trial is judged by its checks; a session that could not be closed ends by itself.
      await within(CLOSE_MS, undefined, async () => plugin.close?.(client)).catch((error: unknown) =>
        host.log('warn', 'the session of a trial was not closed', { error: String(error) }),
      )
    }
  }
}
