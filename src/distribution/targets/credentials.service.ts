import { createHash } from 'node:crypto'
import { Injectable, type OnModuleInit } from '@nestjs/common'
import { z } from 'zod'
import { record } from '../../audit/record.ts'
import { Catalog } from '../../catalog/catalog.ts'
import type { Base, ChangeKind, Ready } from '../../changes/change-kind.ts'
import { FourEyes } from '../../changes/four-eyes.ts'
import type { Held } from '../../changes/held.ts'
import type { Page } from '../../contract/lists.ts'
import {
  type CredentialChange,
  type CredentialView,
  credentialChange,
  type DistributionListQuery,
  type NewCredential,
  newCredential,
} from '../../contract/targets.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import { keepSecrets, takeOutSecrets } from '../../integrations/secrets/config-secrets.ts'
import { Cursors } from '../../platform/http/cursors.ts'
import { newId } from '../../platform/ids.ts'
import { Database, rows, type Tx } from '../../platform/postgres/database.ts'
import { violates } from '../../platform/postgres/database-errors.ts'
import { SealedColumns } from '../../platform/sealing/sealed-columns.ts'
import { Sealer } from '../../platform/sealing/sealing.ts'
import { BrokerError, type Json } from '../../sdk/index.ts'
import {
  type AnyDistribution,
  type Credential,
  distributionOf,
  findCredential,
  placeOf,
  readBy,
  readDestinations,
  sealLogin,
  secretsOf,
  selectCredentials,
} from './credential.ts'
import { selectTargets } from './target.ts'
import { TargetConnections } from './target-connections.ts'

const BY_NAME = { list: 'target-credentials', position: z.string() }

/** Logins that targets share. Each goes to the places it was given for, and to no other. */
@Injectable()
export class Credentials implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly catalog: Catalog,
    private readonly sealer: Sealer,
    private readonly fourEyes: FourEyes,
    private readonly cursors: Cursors,
    private readonly connections: TargetConnections,
    columns: SealedColumns,
  ) {
    columns.hold({
      table: 'target_credentials',
      column: 'sealed',
      key: { id: 'text' },
      also: ['plugin', 'login', 'destinations'],
      place: (row) => {
        const distribution = this.catalog.find(String(row['plugin']))?.distribution
        return distribution && placeOf(distribution, row as unknown as Credential)
      },
      lasting: true,
    })
  }

  onModuleInit(): void {
    this.fourEyes.register(this.creating)
    this.fourEyes.register(this.changing)
  }

  create(caller: Caller, input: NewCredential): Promise<CredentialView | Held> {
    return this.fourEyes.submit(caller, this.creating, null, input)
  }

  change(caller: Caller, id: string, input: CredentialChange): Promise<CredentialView | Held> {
    return this.fourEyes.submit(caller, this.changing, id, input)
  }

  async get(id: string): Promise<CredentialView> {
    return view(await findCredential(this.database.pool, id))
  }

  async list({ limit, cursor }: DistributionListQuery): Promise<Page<CredentialView>> {
    const after = this.cursors.read(BY_NAME, cursor)
    const found = await selectCredentials(
      this.database.pool,
      '($1::text is null or lower(c.name) > lower($1)) order by lower(c.name) limit $2',
      [after ?? null, limit + 1],
    )
    return this.cursors.page(BY_NAME, found, limit, ({ name }) => name, view)
  }

  /** Its secrets are erased. */
  async remove(caller: Caller, id: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const { name } = await findCredential(tx, id, 'for update')
      const [target] = await selectTargets(tx, 't.credential_id = $1 limit 1', [id])
      if (target) {
        throw new BrokerError('conflict', `the target ${target.name} logs in with ${name}`, { fix: 'remove its targets first' })
      }
      await rows(tx, 'update target_credentials set removed_at = now(), sealed = null where id = $1', [id])
      await record(tx, { kind: 'target_credential.removed', actor: caller.id, subject: id, data: { name } })
    })
  }

  private readonly creating: ChangeKind<NewCredential, CredentialView> = {
    kind: 'target_credential.create',
    roles: ['admin'],
    parse: (body) => newCredential.parse(body),
    summary: async (_, input) => {
      const { login, destinations } = await this.read(distributionOf(this.catalog.chosen(input.plugin)), input)
      return { name: input.name, plugin: input.plugin, login: takeOutSecrets(login).clear as Json, destinations }
    },
    prepare: async (by, _, input) => {
      const distribution = distributionOf(this.catalog.chosen(input.plugin))
      const { login, destinations } = await this.read(distribution, input)
      const id = newId('crd')
      const kept = sealLogin(this.sealer, distribution, { id, plugin: input.plugin, destinations }, login)
      const write = async (tx: Tx) => {
        await rows(
          tx,
          `insert into target_credentials (id, name, plugin, login, sealed, destinations, created_by) values ($1, $2, $3, $4, $5, $6, $7)`,
          [id, input.name, input.plugin, JSON.stringify(kept.login), kept.sealed, JSON.stringify(destinations), by],
        ).catch(taken(input.name))
        const data = { name: input.name, plugin: input.plugin, destinations }
        await record(tx, { kind: 'target_credential.created', actor: by, subject: id, data })
        return view(await findCredential(tx, id))
      }
      return { write }
    },
  }

  private readonly changing: ChangeKind<CredentialChange, CredentialView> = {
    kind: 'target_credential.change',
    roles: ['admin'],
    parse: (body) => ({ ...credentialChange.parse(body), version: undefined }),
    summary: async (id, input) => {
      const before = await findCredential(this.database.pool, id!)
      const { name, login, destinations } = await this.after(before, input)
      return { name, login: takeOutSecrets(login).clear as Json, destinations, entersSecrets: input.login !== undefined }
    },
    base: async (tx, id) => baseOf(await findCredential(tx, id, 'for update')),
    prepare: (by, id, input) => this.changed(by, id!, input),
  }

  private async changed(by: string, id: string, input: CredentialChange): Promise<Ready<CredentialView>> {
    const before = await findCredential(this.database.pool, id)
    const distribution = distributionOf(this.catalog.get(before.plugin))
    const { name, login, destinations } = await this.after(before, input)
    const kept = sealLogin(this.sealer, distribution, { id, plugin: before.plugin, destinations }, login)
    const after: Credential = { ...before, name, destinations, ...kept }
    const targets = await selectTargets(this.database.pool, 't.credential_id = $1', [id])
    const connections = await Promise.all(
      targets.map(async (target) => ({
        target,
        ready: await this.connections.ready(by, target.integrationId, after, target.location, undefined),
      })),
    )
    const write = async (tx: Tx) => {
      const now = await findCredential(tx, id, 'for update')
      if (now.version !== (input.version ?? before.version) || now.targets !== targets.length) throw changedMeanwhile(now.name)
      await rows(
        tx,
        `update target_credentials set name = $2, login = $3, sealed = $4, destinations = $5, version = version + 1, changed_at = now()
         where id = $1`,
        [id, name, JSON.stringify(kept.login), kept.sealed, JSON.stringify(destinations)],
      ).catch(taken(name))
      for (const { target, ready } of connections) await this.connections.change(tx, target.integrationId, target.name, ready)
      const fields = (['name', 'login', 'destinations'] as const).filter((field) => input[field] !== undefined)
      await record(tx, { kind: 'target_credential.changed', actor: by, subject: id, data: { name, fields, destinations } })
      return view(await findCredential(tx, id))
    }
    return { write, afterwards: () => this.connections.drop(targets) }
  }

  private async read(distribution: AnyDistribution, input: Pick<NewCredential, 'login' | 'destinations'>) {
    const destinations = await readDestinations(distribution, input.destinations)
    return { login: await readBy(distribution.credential, input.login, 'login'), destinations }
  }

  /** A person who moves its destinations may not thereby have its secrets sent there: they have to know them. */
  private async after(before: Credential, input: CredentialChange) {
    const distribution = distributionOf(this.catalog.get(before.plugin))
    const known = secretsOf(this.sealer, distribution, before)
    const typed = keepSecrets(input.login ?? before.login, known)
    const login = await readBy(distribution.credential, typed, 'login')
    const destinations = input.destinations ? await readDestinations(distribution, input.destinations) : before.destinations
    const cleared = JSON.parse(JSON.stringify(takeOutSecrets(login).clear)) as Json
    const isElsewhere =
      placeOf(distribution, { ...before, destinations, login: cleared }).destination !== placeOf(distribution, before).destination
    if (isElsewhere && known.length > 0 && reliesOnKnown(input.login, known)) {
      throw new BrokerError(
        'input.invalid',
        'decides where the stored secrets are sent, so the secrets must come with this change',
        {
          field: input.destinations ? 'destinations' : 'login',
          fix: 'send the login’s secrets again in the same call',
        },
      )
    }
    return { name: input.name ?? before.name, login, destinations: [...destinations] }
  }
}

function reliesOnKnown(typed: unknown, known: Parameters<typeof keepSecrets>[1]): boolean {
  if (typed === undefined) return true
  const { secrets } = { secrets: known.map(([path]) => path) }
  return secrets.some((path) => {
    let at: unknown = typed
    for (const key of path) at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined
    return typeof at !== 'string'
  })
}

function baseOf({ name, login, destinations, sealed }: Credential): Base {
  const digest = sealed === null ? null : createHash('sha256').update(sealed).digest('hex')
  return { shown: { name, login, destinations }, digest }
}

function view({ sealed: _, createdAt, changedAt, destinations, ...rest }: Credential & { targets: number }): CredentialView {
  return {
    ...rest,
    id: rest.id as CredentialView['id'],
    destinations: [...destinations],
    createdAt: createdAt.toISOString(),
    changedAt: changedAt.toISOString(),
  }
}

function taken(name: string) {
  return (error: unknown): never => {
    if (!violates(error, 'target_credentials_name_taken')) throw error
    throw new BrokerError('name.taken', `another credential has the name ${name}`, { field: 'name', fix: 'choose another name' })
  }
}

function changedMeanwhile(name: string): BrokerError {
  return new BrokerError('conflict', `somebody else changed ${name} in the meantime`, {
    field: 'version',
    fix: 'look at what is there now, and repeat the change',
  })
}
