import { Injectable } from '@nestjs/common'
import { Catalog } from '../../catalog/catalog.ts'
import { Connections } from '../../integrations/connections.ts'
import { isHealthy, unhealthy } from '../../integrations/health/health.ts'
import { digestOf } from '../../integrations/secrets/destination.ts'
import { sealConfig } from '../../integrations/secrets/integration-config.ts'
import { forgetElsewhere, keepSecret } from '../../integrations/secrets/kept-secrets.ts'
import { type Trial, Trials } from '../../integrations/trial.ts'
import { row, rows, type Tx } from '../../platform/postgres/database.ts'
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
    await rows(
      tx,
      `insert into integrations (id, name, plugin, config, sealed, created_by, serves) values ($1, $2, $3, $4, $5, $6, 'distribution')`,
      [id, name, ready.plugin, JSON.stringify(ready.clear), ready.sealed, by],
    )
    await this.keep(tx, id, ready)
  }

  async change(tx: Tx, id: string, name: string, ready: ReadyConnection): Promise<void> {
    await rows(
      tx,
      `update integrations set name = $2, config = $3, sealed = $4, version = version + 1, changed_at = clock_timestamp() where id = $1`,
      [id, name, JSON.stringify(ready.clear), ready.sealed],
    )
    await forgetElsewhere(tx, { integrationId: id, destination: ready.destination })
    await this.keep(tx, id, ready)
  }

  /** What it was can be read in the journal; nothing goes through it any more, and its secrets are erased. */
  async remove(tx: Tx, id: string): Promise<void> {
    await rows(
      tx,
      `update integrations set state = 'removed', sealed = null, version = version + 1, changed_at = clock_timestamp() where id = $1`,
      [id],
    )
    await rows(tx, 'delete from integration_secrets where integration_id = $1', [id])
  }

  /** The next use opens another one; this one's session ends. */
  drop(targets: readonly Pick<Target, 'integrationId'>[]): void {
    for (const { integrationId } of targets) this.connections.drop(integrationId)
  }

  async storeHealth(tx: Pick<Tx, 'query'>, id: string, { checks }: Pick<Trial, 'checks'>): Promise<Date> {
    const stored = await row<{ at: Date }>(
      tx,
      'update integrations set health = $2, health_at = clock_timestamp() where id = $1 returning health_at as at',
      [id, JSON.stringify(checks)],
    )
    return stored!.at
  }

  private async keep(tx: Tx, id: string, { trial, destination }: ReadyConnection): Promise<void> {
    if (!trial) return
    await this.storeHealth(tx, id, trial)
    for (const [name, value] of trial.kept) await keepSecret(tx, this.sealer, { integrationId: id, destination }, name, value)
  }
}
