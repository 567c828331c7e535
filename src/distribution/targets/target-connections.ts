import { Injectable } from '@nestjs/common'
import { Catalog } from '../../catalog/catalog.ts'
import { Connections } from '../../integrations/connections/connections.ts'
import { isHealthy, unhealthy } from '../../integrations/health/health.ts'
import { digestOf } from '../../integrations/secrets/destination.ts'
import { sealConfig } from '../../integrations/secrets/integration-config.ts'
import { forgetElsewhere, keepSecret } from '../../integrations/secrets/kept-secrets.ts'
import { changeConnection, createConnection, storeHealth } from '../../integrations/target-connections.ts'
import { type Trial, Trials } from '../../integrations/trial.ts'
import type { Tx } from '../../platform/postgres/database.ts'
import { Sealer } from '../../platform/sealing/sealing.ts'
import type { Json } from '../../sdk/index.ts'
import type { Credential } from './credential.ts'
import { connectionOf, type Target } from './target.ts'

/** A connection that is ready to be written: its configuration, sealed for its one destination, and what came of trying it. */
export interface ReadyConnection {
  readonly plugin: string
  readonly clear: unknown
  readonly sealed: string | null
  readonly destination: string
  readonly trial: Trial | undefined
}

/** A target's connection: a row of integrations that runs go through, made from its credential and its location. */
@Injectable()
export class TargetConnections {
  constructor(
    private readonly catalog: Catalog,
    private readonly sealer: Sealer,
    private readonly trials: Trials,
    private readonly connections: Connections,
  ) {}

  /** What the checks find; nothing is kept. */
  async check(by: string, id: string, credential: Credential, location: Json): Promise<Trial> {
    const plugin = this.catalog.get(credential.plugin)
    return this.trials.run(by, plugin, await connectionOf(this.sealer, plugin, credential, location), id)
  }

  /** @param named how a target that does not work is called in the refusal; undefined: it is not tried */
  async ready(
    by: string,
    id: string,
    credential: Credential,
    location: Json,
    named: string | undefined,
  ): Promise<ReadyConnection> {
    const plugin = this.catalog.get(credential.plugin)
    const config = await connectionOf(this.sealer, plugin, credential, location)
    const trial = named === undefined ? undefined : await this.trials.run(by, plugin, config, id)
    if (trial && named !== undefined && !isHealthy(trial.checks)) throw unhealthy(named, trial.checks)
    const { clear, sealed } = sealConfig(this.sealer, plugin, id, config)
    return { plugin: plugin.manifest.id, clear, sealed, destination: digestOf(plugin, clear), trial }
  }

  async create(tx: Tx, by: string, id: string, name: string, ready: ReadyConnection): Promise<void> {
    await createConnection(tx, by, id, { ...ready, name })
    await this.keep(tx, id, ready)
  }

  async change(tx: Tx, id: string, name: string, ready: ReadyConnection): Promise<void> {
    await changeConnection(tx, id, { ...ready, name })
    await forgetElsewhere(tx, { integrationId: id, destination: ready.destination })
    await this.keep(tx, id, ready)
  }

  /** The next use opens another one; this one's session ends. */
  drop(targets: readonly Pick<Target, 'integrationId'>[]): void {
    for (const { integrationId } of targets) this.connections.drop(integrationId)
  }

  private async keep(tx: Tx, id: string, { trial, destination }: ReadyConnection): Promise<void> {
    if (!trial) return
    await storeHealth(tx, id, trial.checks)
    for (const [name, value] of trial.kept) await keepSecret(tx, this.sealer, { integrationId: id, destination }, name, value)
  }
}
