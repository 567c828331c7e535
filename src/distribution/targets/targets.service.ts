import { isDeepStrictEqual } from 'node:util'
import { Injectable, type OnModuleInit } from '@nestjs/common'
import { z } from 'zod'
import { RUN_FACTS } from '../../actions/run-facts.ts'
import { record } from '../../audit/record.ts'
import { Catalog } from '../../catalog/catalog.ts'
import type { ChangeKind, Ready } from '../../changes/change-kind.ts'
import { FourEyes } from '../../changes/four-eyes.ts'
import type { Held } from '../../changes/held.ts'
import type { HealthReport } from '../../contract/integrations.ts'
import type { Page } from '../../contract/lists.ts'
import { isForced, type Removal } from '../../contract/removals.ts'
import {
  type DistributionListQuery,
  type NewTarget,
  newTarget,
  type TargetChange,
  type TargetTest,
  type TargetView,
  targetChange,
} from '../../contract/targets.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import { isHealthy } from '../../integrations/health/health.ts'
import { Inhabitants } from '../../integrations/inhabitants.ts'
import { removeConnection, storeHealth } from '../../integrations/target-connections.ts'
import { Cursors } from '../../platform/http/cursors.ts'
import { newId } from '../../platform/ids.ts'
import { Database, databaseNow, rows, type Tx } from '../../platform/postgres/database.ts'
import { violates } from '../../platform/postgres/database-errors.ts'
import { Sealer } from '../../platform/sealing/sealing.ts'
import { BrokerError, type HealthCheck, type Json, type PolicyAdvice } from '../../sdk/index.ts'
import { distributionOf, findCredential, readBy } from './credential.ts'
import { connectionOf, findTarget, selectTargets, type Target } from './target.ts'
import { TargetConnections } from './target-connections.ts'

const BY_NAME = { list: 'targets', position: z.string() }

/** Where certificates go. A target is tried before it is saved: what is missing is named, with the line to add. */
@Injectable()
export class Targets implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly catalog: Catalog,
    private readonly sealer: Sealer,
    private readonly fourEyes: FourEyes,
    private readonly cursors: Cursors,
    private readonly connections: TargetConnections,
    private readonly inhabitants: Inhabitants,
  ) {}

  onModuleInit(): void {
    this.fourEyes.register(this.creating)
    this.fourEyes.register(this.changing)
  }

  create(caller: Caller, input: NewTarget): Promise<TargetView | Held> {
    return this.fourEyes.submit(caller, this.creating, null, input)
  }

  change(caller: Caller, id: string, input: TargetChange): Promise<TargetView | Held> {
    return this.fourEyes.submit(caller, this.changing, id, input)
  }

  /** Saves nothing. */
  async test(caller: Caller, { credentialId, location }: TargetTest): Promise<HealthReport> {
    const credential = await findCredential(this.database.pool, credentialId)
    const read = await this.readLocation(credential.plugin, location)
    const { checks } = await this.connections.check(caller.id, newId('int'), credential, read)
    return reportOf(checks, await databaseNow(this.database.pool))
  }

  async check(caller: Caller, id: string): Promise<HealthReport> {
    const target = await findTarget(this.database.pool, id)
    const credential = await findCredential(this.database.pool, target.credentialId)
    const trial = await this.connections.check(caller.id, target.integrationId, credential, target.location)
    return reportOf(trial.checks, await storeHealth(this.database.pool, target.integrationId, trial.checks))
  }

  async get(id: string): Promise<TargetView> {
    return view(await findTarget(this.database.pool, id))
  }

  async list({ limit, cursor }: DistributionListQuery): Promise<Page<TargetView>> {
    const after = this.cursors.read(BY_NAME, cursor)
    const found = await selectTargets(
      this.database.pool,
      '($1::text is null or lower(t.name) > lower($1)) order by lower(t.name) limit $2',
      [after ?? null, limit + 1],
    )
    return this.cursors.page(BY_NAME, found, limit, ({ name }) => name, view)
  }

  /** What the credential has to be allowed at this target, and nothing more. */
  async minimumPolicy(id: string): Promise<PolicyAdvice> {
    const target = await findTarget(this.database.pool, id)
    const plugin = this.catalog.get(target.plugin)
    const credential = await findCredential(this.database.pool, target.credentialId)
    if (!plugin.minimumPolicy)
      throw new BrokerError('target.unsupported', `${plugin.manifest.name} has no minimum policy to show`)
    return plugin.minimumPolicy(await connectionOf(this.sealer, plugin, credential, target.location))
  }

  async remove(caller: Caller, id: string, how: Removal): Promise<void> {
    const target = await this.database.transaction(async (tx) => {
      const found = await findTarget(tx, id, 'for update')
      const living = await this.inhabitants.inWords(tx, found.integrationId)
      if (living) throw new BrokerError('conflict', `${found.name} has ${living}`, { fix: 'wait until it is over, or cancel it' })
      const left = await this.inhabitants.leftBehind(tx, found.integrationId, { name: found.name, isSaid: isForced(how) })
      await rows(tx, 'update distribution_targets set removed_at = now() where id = $1', [id])
      await removeConnection(tx, found.integrationId)
      const data = { name: found.name, ...(left.length > 0 && { left }) }
      await record(tx, { kind: 'target.removed', actor: caller.id, subject: id, data })
      return found
    })
    this.connections.drop([target])
  }

  private readonly creating: ChangeKind<NewTarget, TargetView> = {
    kind: 'target.create',
    roles: ['admin'],
    parse: (body) => newTarget.parse(body),
    summary: async (_, { name, credentialId, location, skipTest }) => {
      const credential = await findCredential(this.database.pool, credentialId)
      const read = await this.readLocation(credential.plugin, location)
      await connectionOf(this.sealer, this.catalog.get(credential.plugin), credential, read)
      return { name, credential: credential.name, location: read, skipTest }
    },
    prepare: async (by, _, input) => {
      const credential = await findCredential(this.database.pool, input.credentialId)
      const location = await this.readLocation(credential.plugin, input.location)
      await this.refuseTaken(input.name)
      const [id, integrationId] = [newId('tgt'), newId('int')]
      const ready = await this.connections.ready(by, integrationId, credential, location, input.skipTest ? undefined : input.name)
      const write = async (tx: Tx) => {
        const now = await findCredential(tx, credential.id, 'for share')
        if (now.version !== credential.version) throw changedMeanwhile(now.name)
        await this.connections.create(tx, by, integrationId, input.name, ready).catch(taken(input.name))
        await rows(
          tx,
          `insert into distribution_targets (id, name, plugin, credential_id, integration_id, location, created_by)
           values ($1, $2, $3, $4, $5, $6, $7)`,
          [id, input.name, credential.plugin, credential.id, integrationId, JSON.stringify(location), by],
        ).catch(taken(input.name))
        const data = { name: input.name, credential: credential.id, connection: integrationId, location, tested: !input.skipTest }
        await record(tx, { kind: 'target.created', actor: by, subject: id, data })
        return view(await findTarget(tx, id))
      }
      return { write }
    },
  }

  private readonly changing: ChangeKind<TargetChange, TargetView> = {
    kind: 'target.change',
    roles: ['admin'],
    parse: (body) => ({ ...targetChange.parse(body), version: undefined }),
    summary: async (id, input) => {
      const { name, credential, location } = await this.after(await findTarget(this.database.pool, id!), input)
      await connectionOf(this.sealer, this.catalog.get(credential.plugin), credential, location)
      return { name, credential: credential.name, location, skipTest: input.skipTest }
    },
    base: async (tx, id) => {
      const { name, credentialId, location } = await findTarget(tx, id, 'for update')
      return { shown: { name, credential: credentialId, location } }
    },
    prepare: (by, id, input) => this.changed(by, id!, input),
  }

  private async changed(by: string, id: string, input: TargetChange): Promise<Ready<TargetView>> {
    const before = await findTarget(this.database.pool, id)
    const { name, credential, location } = await this.after(before, input)
    if (input.name !== undefined) await this.refuseTaken(name, id)
    const named = input.skipTest ? undefined : name
    const ready = await this.connections.ready(by, before.integrationId, credential, location, named)
    const write = async (tx: Tx) => {
      const now = await findTarget(tx, id, 'for update')
      const lent = await findCredential(tx, credential.id, 'for share')
      if (now.version !== (input.version ?? before.version) || lent.version !== credential.version)
        throw changedMeanwhile(now.name)
      if (!isDeepStrictEqual(now.location, location)) await mustBeIdle(tx, now)
      await rows(
        tx,
        `update distribution_targets set name = $2, credential_id = $3, location = $4, version = version + 1, changed_at = now() where id = $1`,
        [id, name, credential.id, JSON.stringify(location)],
      ).catch(taken(name))
      await this.connections.change(tx, before.integrationId, name, ready).catch(taken(name))
      const fields = (['name', 'credentialId', 'location'] as const).filter((field) => input[field] !== undefined)
      await record(tx, { kind: 'target.changed', actor: by, subject: id, data: { name, fields, location } })
      return view(await findTarget(tx, id))
    }
    return { write, afterwards: () => this.connections.drop([before]) }
  }

  private async after(before: Target, { name = before.name, credentialId, location }: TargetChange) {
    const credential = await findCredential(this.database.pool, credentialId ?? before.credentialId)
    const read = location === undefined ? before.location : await this.readLocation(credential.plugin, location)
    return { name, credential, location: read }
  }

  private async readLocation(plugin: string, typed: unknown): Promise<Json> {
    const read = await readBy(distributionOf(this.catalog.get(plugin)).location, typed, 'location')
    return JSON.parse(JSON.stringify(read)) as Json
  }

  private async refuseTaken(name: string, but?: string): Promise<void> {
    const [other] = await selectTargets(this.database.pool, 'lower(t.name) = lower($1) and t.id <> $2', [name, but ?? ''])
    if (other) throw nameTaken(name)
  }
}

/** What is on its way there goes where it was sent to. */
async function mustBeIdle(tx: Tx, { id, name }: Target): Promise<void> {
  const [underWay] = await rows<{ id: string }>(
    tx,
    `select p.distribution_id as id from distribution_parts p join ${RUN_FACTS} r on r.id = p.run_id
     where p.target_id = $1 and r.state in ('pending', 'executing') limit 1`,
    [id],
  )
  if (!underWay) return
  throw new BrokerError('conflict', `${underWay.id} is on its way to ${name}`, {
    field: 'location',
    fix: 'cancel it, or wait until it has arrived; change the target then, and resume the distribution',
  })
}

function reportOf(checks: readonly HealthCheck[], at: Date): HealthReport {
  return { healthy: isHealthy(checks), checks: checks.map((check) => ({ ...check })), at: at.toISOString() }
}

function view(target: Target): TargetView {
  const { credentialId, credentialName, health, healthAt, createdAt, changedAt, ...rest } = target
  return {
    ...rest,
    id: rest.id as TargetView['id'],
    integrationId: rest.integrationId as TargetView['integrationId'],
    credential: { id: credentialId as TargetView['credential']['id'], name: credentialName },
    health: health && healthAt ? reportOf(health, healthAt) : null,
    createdAt: createdAt.toISOString(),
    changedAt: changedAt.toISOString(),
  }
}

function nameTaken(name: string): BrokerError {
  return new BrokerError('name.taken', `another target has the name ${name}`, { field: 'name', fix: 'choose another name' })
}

function taken(name: string) {
  return (error: unknown): never => {
    const isTaken = violates(error, 'distribution_targets_name_taken') || violates(error, 'integrations_name_taken')
    throw isTaken ? nameTaken(name) : error
  }
}

function changedMeanwhile(name: string): BrokerError {
  return new BrokerError('conflict', `somebody else changed ${name} in the meantime`, {
    field: 'version',
    fix: 'look at what is there now, and repeat the change',
  })
}
