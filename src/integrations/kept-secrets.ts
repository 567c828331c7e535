import { row, rows, type Tx } from '../platform/database.ts'
import type { Place, Sealer } from '../platform/sealing.ts'
import type { Secret } from '../sdk/index.ts'

/** Stores what a plugin asked to keep for one integration, sealed. */
export async function keepSecret(tx: Pick<Tx, 'query'>, sealer: Sealer, id: string, name: string, value: Secret): Promise<void> {
  await rows(
    tx,
    `insert into integration_secrets (integration_id, name, sealed) values ($1, $2, $3)
     on conflict (integration_id, name) do update set sealed = excluded.sealed, changed_at = clock_timestamp()`,
    [id, name, sealer.seal(value, placeOf(id, name))],
  )
}

export async function recallSecret(tx: Pick<Tx, 'query'>, sealer: Sealer, id: string, name: string): Promise<Secret | undefined> {
  const kept = await row<{ sealed: string }>(
    tx,
    'select sealed from integration_secrets where integration_id = $1 and name = $2',
    [id, name],
  )
  return kept && sealer.open(kept.sealed, placeOf(id, name))
}

function placeOf(id: string, name: string): Place {
  return { table: 'integration_secrets', row: `${id}/${name}`, column: 'sealed' }
}
