import { hash } from 'node:crypto'
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common'
import { BROKER, record } from '../audit/record.ts'
import { Database, row, rows, type Tx } from '../platform/postgres/database.ts'
import { SealedColumns } from '../platform/sealing/sealed-columns.ts'
import { isBound, Sealer } from '../platform/sealing/sealing.ts'
import { BrokerError, type Secret } from '../sdk/index.ts'

export const SECRET_COLUMNS = ['sealed', 'sealed_before'] as const
export type SecretColumn = (typeof SECRET_COLUMNS)[number]

interface Held {
  readonly id: string
  readonly url: string
  readonly sealed: string
  readonly sealed_before: string | null
}

const BOUND = 'webhook.bound'
const freePlace = (id: string, column: SecretColumn) => ({ table: 'webhooks', row: id, column })
const placeOf = (id: string, column: SecretColumn, url: string) => ({
  ...freePlace(id, column),
  destination: hash('sha256', url),
})

/** What webhooks sign with, sealed for the URL it was given for: with another one beside it, it does not open. */
@Injectable()
export class WebhookSecrets implements OnModuleInit {
  private readonly log = new Logger(WebhookSecrets.name)

  constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
    columns: SealedColumns,
  ) {
    for (const column of SECRET_COLUMNS) {
      const place = ({ id, url }: Readonly<Record<string, unknown>>) => placeOf(String(id), column, String(url))
      columns.hold({ table: 'webhooks', column, key: { id: 'text' }, also: ['url'], place, lasting: column === 'sealed' })
    }
  }

  /** Binds what was sealed before; once for each, like the secrets of integrations. */
  async onModuleInit(): Promise<void> {
    const free = await rows<{ id: string }>(
      this.database.pool,
      `select id from webhooks where starts_with(sealed, 'lk1.') or starts_with(sealed_before, 'lk1.')`,
    )
    for (const { id } of free) {
      try {
        await this.database.transaction((tx) => this.bind(tx, id))
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error
        this.log.error({ error, webhook: id }, 'the secret of a webhook could not be bound to its URL')
      }
    }
  }

  seal(id: string, column: SecretColumn, url: string, secret: Secret): string {
    return this.sealer.seal(secret, placeOf(id, column, url))
  }

  open(id: string, column: SecretColumn, url: string, sealed: string): Secret {
    return this.sealer.open(sealed, placeOf(id, column, url))
  }

  /** The same secrets for another URL, which somebody who may has given it. */
  async move(tx: Tx, id: string, url: string): Promise<void> {
    const held = await row<Held>(tx, 'select id, url, sealed, sealed_before from webhooks where id = $1 for update', [id])
    if (held) await this.store(tx, held, url, (column, sealed) => this.open(id, column, held.url, sealed))
  }

  private async bind(tx: Tx, id: string): Promise<void> {
    const held = await row<Held>(tx, 'select id, url, sealed, sealed_before from webhooks where id = $1 for update', [id])
    if (!held || (isBound(held.sealed) && (held.sealed_before === null || isBound(held.sealed_before)))) return
    if (await row(tx, 'select 1 from audit_events where kind = $1 and subject = $2 limit 1', [BOUND, id])) {
      throw new BrokerError('unavailable', `the secret of webhook ${id} is not bound to its URL any more`, {
        fix: 'somebody changed the database directly: check the webhook’s URL, and rotate its secret',
      })
    }
    await this.store(tx, held, held.url, (column, sealed) =>
      isBound(sealed) ? this.open(id, column, held.url, sealed) : this.sealer.open(sealed, freePlace(id, column)),
    )
    await record(tx, { kind: BOUND, actor: BROKER, subject: id, data: { host: URL.parse(held.url)?.host } })
  }

  private async store(tx: Tx, held: Held, url: string, open: (column: SecretColumn, sealed: string) => Secret): Promise<void> {
    const again = (column: SecretColumn) => {
      const sealed = held[column]
      return sealed === null ? null : this.seal(held.id, column, url, open(column, sealed))
    }
    await rows(tx, 'update webhooks set sealed = $2, sealed_before = $3 where id = $1', [
      held.id,
      again('sealed'),
      again('sealed_before'),
    ])
  }
}
