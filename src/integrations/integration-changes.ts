import { createHash } from 'node:crypto'
import { Injectable, type OnModuleInit } from '@nestjs/common'
import { record } from '../audit/record.ts'
import { Catalog } from '../catalog/catalog.ts'
import type { Base, ChangeKind, Ready } from '../changes/change-kind.ts'
import { FourEyes } from '../changes/four-eyes.ts'
import type { Held } from '../changes/held.ts'
import {
  type IntegrationChange,
  type IntegrationView,
  integrationChange,
  type NewIntegration,
  newIntegration,
} from '../contract/integrations.ts'
import type { Caller } from '../identity/callers/caller.ts'
import { DueWork, enqueue } from '../platform/due/due-work.ts'
import { newId } from '../platform/ids.ts'
import { Database, rows, type Tx } from '../platform/postgres/database.ts'
import { violates } from '../platform/postgres/database-errors.ts'
import { Sealer } from '../platform/sealing/sealing.ts'
import { type AnyPlugin, BrokerError, type Json } from '../sdk/index.ts'
import { Connections } from './connections/connections.ts'
import { discoveryWork } from './discovery/discovery.ts'
import { healthWork } from './health/health.service.ts'
import { isHealthy, unhealthy } from './health/health.ts'
import { findIntegration, type Integration, selectIntegrations } from './integration.ts'
import { viewOf } from './integration-view.ts'
import { Moves } from './moves.ts'
import { isKnown, keepSecrets, reliesOn, takeOutSecrets } from './secrets/config-secrets.ts'
import { digestOf, movedField } from './secrets/destination.ts'
import { knownSecrets, parseConfig, sealConfig } from './secrets/integration-config.ts'
import { forgetElsewhere, keepSecret } from './secrets/kept-secrets.ts'
import { sweepWork } from './sweep-work.ts'
import { type Trial, Trials } from './trial.ts'

/** Makes and changes integrations: tried out first, and with four eyes when somebody else has accepted. */
@Injectable()
export class IntegrationChanges implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly catalog: Catalog,
    private readonly sealer: Sealer,
    private readonly trials: Trials,
    private readonly moves: Moves,
    private readonly connections: Connections,
    private readonly work: DueWork,
    private readonly fourEyes: FourEyes,
  ) {}

  onModuleInit(): void {
    this.fourEyes.register(this.creating)
    this.fourEyes.register(this.changing)
  }

  create(caller: Caller, input: NewIntegration): Promise<IntegrationView | Held> {
    return this.fourEyes.submit(caller, this.creating, null, input)
  }

  change(caller: Caller, id: string, input: IntegrationChange): Promise<IntegrationView | Held> {
    return this.fourEyes.submit(caller, this.changing, id, input)
  }

  private readonly creating: ChangeKind<NewIntegration, IntegrationView> = {
    kind: 'integration.create',
    roles: ['admin'],
    parse: (body) => newIntegration.parse(body),
    summary: async (_, { config, ...input }) => {
      await this.refuseTaken(input.name)
      const { clear } = takeOutSecrets(await parseConfig(this.catalog.chosen(input.plugin), config))
      return { ...input, config: clear as Json }
    },
    prepare: (by, _, input) => this.made(by, input),
  }

  private readonly changing: ChangeKind<IntegrationChange, IntegrationView> = {
    kind: 'integration.change',
    roles: ['admin'],
    // The base is pinned, and it says more than a version, which moves when the integration is paused as well.
    parse: (body) => ({ ...integrationChange.parse(body), version: undefined }),
    summary: async (id, { config: typed, version, ...input }) => {
      const before = await findIntegration(this.database.pool, id!)
      if (version !== undefined && version !== before.version) throw changedMeanwhile(before.name)
      return { ...input, ...(typed && { config: await this.configShown(before, typed) }) }
    },
    base: async (tx, id) => baseOf(await findIntegration(tx, id, 'for update')),
    prepare: (by, id, input) => this.changed(by, id!, input),
  }

  private async made(by: string, input: NewIntegration): Promise<Ready<IntegrationView>> {
    const plugin = this.catalog.chosen(input.plugin)
    const config = await parseConfig(plugin, input.config)
    await this.refuseTaken(input.name)
    const id = newId('int')
    const trial = input.skipTest ? undefined : await this.mustWork(by, plugin, config, id, input.name)
    const { clear, sealed } = sealConfig(this.sealer, plugin, id, config)
    const write = async (tx: Tx) => {
      await rows(
        tx,
        `insert into integrations (id, name, plugin, config, sealed, access_details, created_by) values ($1, $2, $3, $4, $5, $6, $7)`,
        [id, input.name, input.plugin, JSON.stringify(clear), sealed, input.accessDetails ?? null, by],
      ).catch(takenMeanwhile(input.name))
      await this.storeTrial(tx, id, trial)
      await record(tx, {
        kind: 'integration.created',
        actor: by,
        subject: id,
        data: { name: input.name, plugin: input.plugin, tested: !input.skipTest },
      })
      await enqueue(tx, [healthWork(id), discoveryWork(id), sweepWork(id)])
      return viewOf(await findIntegration(tx, id), null)
    }
    return { write, afterwards: () => this.work.wake('background') }
  }

  private async changed(by: string, id: string, input: IntegrationChange): Promise<Ready<IntegrationView>> {
    const before = await findIntegration(this.database.pool, id)
    const version = input.version ?? before.version
    if (version !== before.version) throw changedMeanwhile(before.name)
    if (input.name !== undefined) await this.refuseTaken(input.name, id)
    const name = input.name ?? before.name
    const changed = input.config === undefined ? undefined : await this.configAfter(by, before, name, input)
    const write = async (tx: Tx) => {
      const now = await findIntegration(tx, id, 'for update')
      if (now.version !== version) throw changedMeanwhile(now.name)
      await this.moves.refuseOthers(tx, now, changed?.move)
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
      ).catch(takenMeanwhile(name))
      if (changed) await forgetElsewhere(tx, { integrationId: id, destination: changed.destination })
      await this.storeTrial(tx, id, changed?.trial)
      const fields = (['name', 'config', 'accessDetails'] as const).filter((field) => input[field] !== undefined)
      await record(tx, { kind: 'integration.changed', actor: by, subject: id, data: { name, fields } })
      if (changed && now.state === 'active') await enqueue(tx, [healthWork(id), discoveryWork(id)])
      return viewOf(await findIntegration(tx, id), this.connections.session(id))
    }
    const afterwards = () => {
      this.connections.drop(id)
      this.work.wake('background')
    }
    return { write, afterwards }
  }

  /** The configuration after a change, checked; a mark where secrets are says which of them are new. */
  private async configShown(before: Integration, typed: unknown): Promise<Json> {
    const plugin = this.catalog.get(before.plugin)
    const known = knownSecrets(this.sealer, plugin, before)
    const { clear, secrets } = takeOutSecrets(await parseConfig(plugin, keepSecrets(typed, known)))
    if (reliesOn(typed, known)) refuseElsewhere(plugin, before.config, clear)
    return markNew(
      clear as Json,
      secrets.filter((secret) => !isKnown(secret, known)).map(([path]) => path),
    )
  }

  private async configAfter(by: string, before: Integration, name: string, { config: typed, skipTest }: IntegrationChange) {
    const plugin = this.catalog.get(before.plugin)
    const known = knownSecrets(this.sealer, plugin, before)
    const config = await parseConfig(plugin, keepSecrets(typed, known))
    const { clear } = takeOutSecrets(config)
    if (reliesOn(typed, known)) refuseElsewhere(plugin, before.config, clear)
    const move = await this.moves.check(this.database.pool, before, plugin, config, clear)
    const trial = skipTest ? undefined : await this.mustWork(by, plugin, config, before.id, name)
    return { ...sealConfig(this.sealer, plugin, before.id, config), destination: digestOf(plugin, clear), trial, move }
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
}

/** What a change is compared with: all but the state, which pausing and resuming move without anybody's second look. */
export function baseOf({ name, accessDetails, config, sealed }: Integration): Base {
  const digest = sealed === null ? null : createHash('sha256').update(sealed).digest('hex')
  return { shown: { name, accessDetails, config: config as Json }, digest }
}

function markNew(config: Json, places: readonly (readonly string[])[]): Json {
  const whole = structuredClone(config)
  for (const place of places) {
    let at: unknown = whole
    for (const key of place) at = (at as Record<string, unknown>)[key]
    Object.assign(at as object, { new: true })
  }
  return whole
}

/** A person who may change an integration may not thereby have its secrets sent to a place of their choice. */
function refuseElsewhere(plugin: AnyPlugin, before: unknown, after: unknown): void {
  const moved = movedField(plugin, before, after)
  if (moved === undefined) return
  throw new BrokerError('input.invalid', 'decides where the stored secrets are sent, so the secrets must come with this change', {
    field: `config.${moved}`,
    fix: 'send the secrets again in the same call',
  })
}

function nameTaken(name: string): BrokerError {
  return new BrokerError('name.taken', `another integration has the name ${name}`, { field: 'name', fix: 'choose another name' })
}

function takenMeanwhile(name: string) {
  return (error: unknown): never => {
    throw violates(error, 'integrations_name_taken') ? nameTaken(name) : error
  }
}

function changedMeanwhile(name: string): BrokerError {
  return new BrokerError('conflict', `somebody else changed ${name} in the meantime`, {
    fix: 'look at what is there now, and repeat the change',
  })
}
