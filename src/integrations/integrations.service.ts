import { Inject, Injectable, type OnModuleInit } from '@nestjs/common'
import { z } from 'zod'
import { record } from '../audit/record.ts'
import { Catalog } from '../catalog/catalog.ts'
import type { Config } from '../config.ts'
import type { Page } from '../contract/common.ts'
import {
  type HealthReport,
  type IntegrationChange,
  type IntegrationTest,
  type IntegrationView,
  integrationChange,
  type ListQuery,
  type NewIntegration,
  newIntegration,
} from '../contract/integrations.ts'
import { type CursorKind, Cursors } from '../platform/cursors.ts'
import { Database, row, rows, type Tx } from '../platform/database.ts'
import { violates } from '../platform/database-errors.ts'
import { DueWork, enqueue } from '../platform/due-work.ts'
import { newId } from '../platform/ids.ts'
import { CONFIG } from '../platform/platform.module.ts'
import { Sealer } from '../platform/sealing.ts'
import { FourEyes } from '../proposals/four-eyes.ts'
import { type AnyPlugin, BrokerError, type PolicyAdvice } from '../sdk/index.ts'
import { keepSecrets, reliesOn, takeOutSecrets } from './config-secrets.ts'
import { Connections } from './connections.ts'
import { digestOf, movedField } from './destination.ts'
import { discoveryWork } from './discovery/discovery.ts'
import { healthWork } from './health.service.ts'
import { isHealthy, unhealthy } from './health.ts'
import { findIntegration, type Integration, selectIntegrations } from './integration.ts'
import { knownSecrets, loadConfig, parseConfig, sealConfig } from './integration-config.ts'
import { viewOf } from './integration-view.ts'
import { forgetElsewhere, keepSecret } from './kept-secrets.ts'
import { type Trial, Trials } from './trial.ts'

const BY_NAME: CursorKind<string> = { list: 'integrations', position: z.string() }

/** Configured connections: made, looked at, changed. `IntegrationStates` pauses, resumes and removes them. */
@Injectable()
export class Integrations implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly catalog: Catalog,
    private readonly sealer: Sealer,
    private readonly cursors: Cursors,
    private readonly trials: Trials,
    private readonly connections: Connections,
    private readonly work: DueWork,
    private readonly fourEyes: FourEyes,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.fourEyes.performs('integration.create', (by, _, body) => this.create(by, newIntegration.parse(body)))
    this.fourEyes.performs('integration.change', (by, id, body) => this.change(by, id!, integrationChange.parse(body)))
  }

  async create(by: string, input: NewIntegration): Promise<IntegrationView> {
    const plugin = this.pluginNamed(input.plugin)
    const config = await parseConfig(plugin, input.config)
    await this.refuseTaken(input.name)
    const id = newId('int')
    const trial = input.skipTest ? undefined : await this.mustWork(by, plugin, config, id, input.name)
    const { clear, sealed } = sealConfig(this.sealer, plugin, id, config)
    await this.saving(input.name, async (tx) => {
      await rows(
        tx,
        `insert into integrations (id, name, plugin, config, sealed, access_details, created_by) values ($1, $2, $3, $4, $5, $6, $7)`,
        [id, input.name, input.plugin, JSON.stringify(clear), sealed, input.accessDetails ?? null, by],
      )
      await this.storeTrial(tx, id, trial)
      await record(tx, {
        kind: 'integration.created',
        actor: by,
        subject: id,
        data: { name: input.name, plugin: input.plugin, tested: !input.skipTest },
      })
      await enqueue(tx, [healthWork(id), discoveryWork(id)])
    })
    this.work.wake('background')
    return this.view(id)
  }

  async change(by: string, id: string, input: IntegrationChange): Promise<IntegrationView> {
    const before = await findIntegration(this.database.pool, id)
    const version = input.version ?? before.version
    if (version !== before.version) throw changedMeanwhile(before.name)
    if (input.name !== undefined) await this.refuseTaken(input.name, id)
    const name = input.name ?? before.name
    const changed = input.config === undefined ? undefined : await this.configAfter(by, before, name, input)
    await this.saving(name, async (tx) => {
      const now = await findIntegration(tx, id, 'for update')
      if (now.version !== version) throw changedMeanwhile(now.name)
      await rows(
        tx,
        `update integrations set name = $2, access_details = $3, config = $4, sealed = $5, version = version + 1, changed_at = clock_timestamp()
         where id = $1`,
        [
          id,
          name,
          input.accessDetails === undefined ? now.accessDetails : input.accessDetails,
          JSON.stringify(changed ? changed.clear : now.config),
          changed ? changed.sealed : now.sealed,
        ],
      )
      if (changed) await forgetElsewhere(tx, { integrationId: id, destination: changed.destination })
      await this.storeTrial(tx, id, changed?.trial)
      const fields = (['name', 'config', 'accessDetails'] as const).filter((field) => input[field] !== undefined)
      await record(tx, { kind: 'integration.changed', actor: by, subject: id, data: { name, fields } })
      if (changed && now.state === 'active') await enqueue(tx, [healthWork(id), discoveryWork(id)])
    })
    this.connections.drop(id)
    this.work.wake('background')
    return this.view(id)
  }

  /** What was typed, for somebody else to look at: checked, and with a mark where secrets are. */
  async withoutSecrets(plugin: string, typed: unknown): Promise<unknown> {
    return takeOutSecrets(await parseConfig(this.pluginNamed(plugin), typed)).clear
  }

  /** The same of a change; secrets that were left out stay. */
  async changedWithoutSecrets(id: string, typed: unknown): Promise<unknown> {
    const before = await findIntegration(this.database.pool, id)
    const plugin = this.catalog.get(before.plugin)
    const kept = keepSecrets(typed, knownSecrets(this.sealer, plugin, before))
    return takeOutSecrets(await parseConfig(plugin, kept)).clear
  }

  /** Saves nothing; everything the plugin kept is forgotten. */
  async test(by: string, input: IntegrationTest): Promise<HealthReport> {
    const plugin = this.pluginNamed(input.plugin)
    const config = await parseConfig(plugin, input.config)
    if (this.config.fourEyes) await this.refuseNewPlace(plugin, takeOutSecrets(config).clear)
    const { checks } = await this.trials.run(by, plugin, config, newId('int'))
    const clock = await row<{ now: Date }>(this.database.pool, 'select clock_timestamp() as now')
    return { healthy: isHealthy(checks), checks: checks.map((check) => ({ ...check })), at: clock!.now.toISOString() }
  }

  async view(id: string): Promise<IntegrationView> {
    return viewOf(await findIntegration(this.database.pool, id), this.connections.session(id))
  }

  async page({ limit, cursor }: ListQuery): Promise<Page<IntegrationView>> {
    const after = this.cursors.read(BY_NAME, cursor)
    const found = await selectIntegrations(
      this.database.pool,
      `state <> 'removed' and ($1::text is null or lower(name) > lower($1)) order by lower(name) limit $2`,
      [after ?? null, limit + 1],
    )
    const view = (integration: (typeof found)[number]) => viewOf(integration, this.connections.session(integration.id))
    return this.cursors.page(BY_NAME, found, limit, ({ name }) => name, view)
  }

  /** What to set up in the target for this integration as it is configured. */
  async minimumPolicy(id: string): Promise<PolicyAdvice> {
    const integration = await findIntegration(this.database.pool, id)
    const plugin = this.catalog.get(integration.plugin)
    if (!plugin.minimumPolicy) throw new BrokerError('target.unsupported', `${plugin.manifest.name} gives no advice on policies`)
    return plugin.minimumPolicy(await loadConfig(this.sealer, plugin, integration))
  }

  private async configAfter(by: string, before: Integration, name: string, { config: typed, skipTest }: IntegrationChange) {
    const plugin = this.catalog.get(before.plugin)
    const known = knownSecrets(this.sealer, plugin, before)
    const config = await parseConfig(plugin, keepSecrets(typed, known))
    const { clear } = takeOutSecrets(config)
    if (reliesOn(typed, known)) refuseElsewhere(plugin, before.config, clear)
    const trial = skipTest ? undefined : await this.mustWork(by, plugin, config, before.id, name)
    return { ...sealConfig(this.sealer, plugin, before.id, config), destination: digestOf(plugin, clear), trial }
  }

  /** Where a second person agrees to changes, nobody sends a login to a new place alone, be it only to try it. */
  private async refuseNewPlace(plugin: AnyPlugin, clear: unknown): Promise<void> {
    const known = await selectIntegrations(this.database.pool, `state <> 'removed' and plugin = $1`, [plugin.manifest.id])
    if (known.some(({ config }) => digestOf(plugin, config) === digestOf(plugin, clear))) return
    throw new BrokerError('conflict', 'no integration goes to this place yet, and new places wait for a second person', {
      fix: 'propose the integration: it is tried when somebody else accepts it',
    })
  }

  private async mustWork(by: string, plugin: AnyPlugin, config: unknown, id: string, name: string): Promise<Trial> {
    const trial = await this.trials.run(by, plugin, config, id)
    if (!isHealthy(trial.checks)) throw unhealthy(name, trial.checks)
    return trial
  }

  private async storeTrial(tx: Tx, id: string, trial: Trial | undefined): Promise<void> {
    if (!trial) return
    await rows(tx, `update integrations set health = $2, health_at = clock_timestamp(), guarantees = $3 where id = $1`, [
      id,
      JSON.stringify(trial.checks),
      JSON.stringify(trial.guarantees ?? null),
    ])
    const keeper = { integrationId: id, destination: trial.destination }
    for (const [name, value] of trial.kept) await keepSecret(tx, this.sealer, keeper, name, value)
  }

  /** Before the trial, which may use up a credential that can be used once. */
  private async refuseTaken(name: string, but?: string): Promise<void> {
    const [other] = await selectIntegrations(this.database.pool, `state <> 'removed' and lower(name) = lower($1) and id <> $2`, [
      name,
      but ?? '',
    ])
    if (other) throw nameTaken(name)
  }

  private async saving(name: string, work: (tx: Tx) => Promise<void>): Promise<void> {
    try {
      await this.database.transaction(work)
    } catch (error) {
      throw violates(error, 'integrations_name_taken') ? nameTaken(name) : error
    }
  }

  private pluginNamed(id: string): AnyPlugin {
    const plugin = this.catalog.find(id)
    if (plugin) return plugin
    throw new BrokerError('input.invalid', `plugin is not in the catalog: ${id}`, {
      field: 'plugin',
      fix: 'GET /api/catalog lists them',
    })
  }
}

/** Whoever may change an integration may not thereby have its secrets sent to a place of their choice. */
function refuseElsewhere(plugin: AnyPlugin, before: unknown, after: unknown): void {
  const moved = movedField(plugin, before, after)
  if (moved === undefined) return
  throw new BrokerError('input.invalid', 'decides where the stored secrets are sent, and the call leaves them out', {
    field: `config.${moved}`,
    fix: 'send the secrets again together with this change',
  })
}

function nameTaken(name: string): BrokerError {
  return new BrokerError('name.taken', `there is an integration named ${name}`, { field: 'name', fix: 'choose another name' })
}

function changedMeanwhile(name: string): BrokerError {
  return new BrokerError('conflict', `${name} was changed by somebody else meanwhile`, {
    fix: 'look at it again and repeat the change',
  })
}
