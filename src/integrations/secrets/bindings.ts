import { Injectable, Logger, type OnModuleInit } from '@nestjs/common'
import { BROKER, record } from '../../audit/record.ts'
import { Catalog } from '../../catalog/catalog.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { SealedColumns } from '../../platform/sealing/sealed-columns.ts'
import { isBound, type Place, Sealer } from '../../platform/sealing/sealing.ts'
import { type AnyPlugin, BrokerError } from '../../sdk/index.ts'
import { type Integration, selectIntegrations } from '../integration.ts'
import { digestOf, shownDestination } from './destination.ts'
import * as configured from './integration-config.ts'
import * as kept from './kept-secrets.ts'

const BOUND = 'integration.bound'

/**
 * Binds what was sealed for an integration before destinations were bound to where it goes now. Once for each: after that, a text of the old
 * form was put there by somebody, together with an address of their choice. The trail remembers.
 */
@Injectable()
export class Bindings implements OnModuleInit {
  private readonly log = new Logger(Bindings.name)

  constructor(
    private readonly database: Database,
    private readonly catalog: Catalog,
    private readonly sealer: Sealer,
    columns: SealedColumns,
  ) {
    const integrations = {
      table: 'integrations',
      column: 'sealed',
      key: { id: 'text' },
      also: ['plugin', 'config'],
      lasting: true,
    } as const
    const keptSecrets = { integration_id: 'text', name: 'text', destination: 'text' } as const
    columns.hold(
      { ...integrations, place: (row) => this.placeOf(row) },
      { table: 'integration_secrets', column: 'sealed', key: keptSecrets, place: placeOfKept, lasting: true },
    )
  }

  /** A value that a plugin which is gone needed goes nowhere either. */
  private placeOf({ id, plugin, config }: Readonly<Record<string, unknown>>): Place | undefined {
    const known = this.catalog.find(String(plugin))
    return known && configured.boundPlace(String(id), digestOf(known, config))
  }

  async onModuleInit(): Promise<void> {
    const free = await rows<{ id: string }>(
      this.database.pool,
      `select id from integrations i where state <> 'removed' and (starts_with(sealed, 'lk1.')
         or exists (select from integration_secrets s where s.integration_id = i.id and s.destination = ''))`,
    )
    for (const { id } of free) {
      try {
        await this.database.transaction((tx) => this.bind(tx, id))
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error
        this.log.error({ error, integration: id }, 'the secrets of an integration could not be bound to its destination')
      }
    }
  }

  private async bind(tx: Tx, id: string): Promise<void> {
    const [integration] = await selectIntegrations(tx, `id = $1 and state <> 'removed' for update`, [id])
    const plugin = integration && this.catalog.find(integration.plugin)
    if (!integration || !plugin) return
    const destination = digestOf(plugin, integration.config)
    const secrets = await rows<{ name: string; sealed: string }>(
      tx,
      `select name, sealed from integration_secrets where integration_id = $1 and destination = ''`,
      [id],
    )
    if ((integration.sealed === null || isBound(integration.sealed)) && secrets.length === 0) return // another replica did
    await this.refuseTwice(tx, integration)
    if (integration.sealed !== null && !isBound(integration.sealed)) {
      const secret = this.sealer.open(integration.sealed, configured.freePlace(id))
      const sealed = this.sealer.seal(secret, configured.boundPlace(id, destination))
      await rows(tx, 'update integrations set sealed = $2 where id = $1', [id, sealed])
    }
    for (const { name, sealed } of secrets) {
      await kept.keepSecret(
        tx,
        this.sealer,
        { integrationId: id, destination },
        name,
        this.sealer.open(sealed, kept.freePlace(id, name)),
      )
    }
    await rows(tx, `delete from integration_secrets where integration_id = $1 and destination = ''`, [id])
    await this.note(tx, plugin, integration)
  }

  private async refuseTwice(tx: Tx, { id, name }: Integration): Promise<void> {
    const before = await row(tx, 'select 1 from audit_events where kind = $1 and subject = $2 limit 1', [BOUND, id])
    if (!before) return
    throw new BrokerError('unavailable', `the secrets of ${name} are not bound to its address any more`, {
      fix: 'somebody changed the database directly: check the integration’s address, and enter its secrets again',
    })
  }

  private async note(tx: Tx, plugin: AnyPlugin, { id, name, config }: Integration): Promise<void> {
    const data = { name, destination: shownDestination(plugin, config) }
    await record(tx, { kind: BOUND, actor: BROKER, subject: id, data })
  }
}

function placeOfKept({ integration_id: integrationId, name, destination }: Readonly<Record<string, unknown>>): Place {
  if (destination === '') return kept.freePlace(String(integrationId), String(name))
  return kept.keptPlace({ integrationId: String(integrationId), destination: String(destination) }, String(name))
}
