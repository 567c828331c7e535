import { row, rows, type Tx } from '../platform/postgres/database.ts'
import type { HealthCheck } from '../sdk/index.ts'
import { moveIntegration } from './transition.ts'

/** The connection of a target of distribution as its row is to have it. */
export interface WrittenConnection {
  readonly name: string
  readonly plugin: string
  readonly clear: unknown
  readonly sealed: string | null
}

/** What other rooms may know of how a connection was when it was looked at: to be joined as `join ${CONNECTION_HEALTH} h on h.id = …`. */
export const CONNECTION_HEALTH = '(select id, health, health_at as "healthAt" from integrations)'

export async function createConnection(
  tx: Tx,
  by: string,
  id: string,
  { name, plugin, clear, sealed }: WrittenConnection,
): Promise<void> {
  await rows(
    tx,
    `insert into integrations (id, name, plugin, config, sealed, created_by, serves) values ($1, $2, $3, $4, $5, $6, 'distribution')`,
    [id, name, plugin, JSON.stringify(clear), sealed, by],
  )
}

export async function changeConnection(tx: Tx, id: string, { name, clear, sealed }: WrittenConnection): Promise<void> {
  await rows(
    tx,
    `update integrations set name = $2, config = $3, sealed = $4, version = version + 1, changed_at = clock_timestamp() where id = $1`,
    [id, name, JSON.stringify(clear), sealed],
  )
}

/** What it was can be read in the journal; nothing goes through it any more, and its secrets are erased. */
export async function removeConnection(tx: Tx, id: string): Promise<void> {
  await moveIntegration(tx, id, 'remove')
  await rows(tx, 'update integrations set sealed = null where id = $1', [id])
  await rows(tx, 'delete from integration_secrets where integration_id = $1', [id])
}

/** Answers when it was looked at. */
export async function storeHealth(tx: Tx, id: string, checks: readonly HealthCheck[]): Promise<Date> {
  const stored = await row<{ at: Date }>(
    tx,
    'update integrations set health = $2, health_at = clock_timestamp() where id = $1 returning health_at as at',
    [id, JSON.stringify(checks)],
  )
  return stored!.at
}
