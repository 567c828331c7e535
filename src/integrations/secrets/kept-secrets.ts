import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import type { Place, Sealer } from '../../platform/sealing/sealing.ts'
import type { Secret } from '../../sdk/index.ts'

/** Whose a kept secret is, and the digest of where it may be sent. */
export interface Keeper {
  readonly integrationId: string
  readonly destination: string
}

/** Stores what a plugin asked to keep for one integration, sealed. */
export async function keepSecret(tx: Tx, sealer: Sealer, keeper: Keeper, name: string, value: Secret): Promise<void> {
  await rows(
    tx,
    `insert into integration_secrets (integration_id, name, destination, sealed) values ($1, $2, $3, $4)
     on conflict (integration_id, name, destination) do update set sealed = excluded.sealed, changed_at = clock_timestamp()`,
    [keeper.integrationId, name, keeper.destination, sealer.seal(value, keptPlace(keeper, name))],
  )
}

/** What was kept for this very destination. */
export async function recallSecret(tx: Tx, sealer: Sealer, keeper: Keeper, name: string): Promise<Secret | undefined> {
  const kept = await row<{ sealed: string }>(
    tx,
    'select sealed from integration_secrets where integration_id = $1 and name = $2 and destination = $3',
    [keeper.integrationId, name, keeper.destination],
  )
  return kept && sealer.open(kept.sealed, keptPlace(keeper, name))
}

/** Erases what was kept for other destinations than the present one. */
export async function forgetElsewhere(tx: Tx, { integrationId, destination }: Keeper): Promise<void> {
  await rows(tx, 'delete from integration_secrets where integration_id = $1 and destination <> $2', [integrationId, destination])
}

export function keptPlace({ integrationId, destination }: Keeper, name: string): Place {
  return { ...freePlace(integrationId, name), destination }
}

/** Where it was sealed before destinations were bound. */
export function freePlace(integrationId: string, name: string): Place {
  return { table: 'integration_secrets', row: `${integrationId}/${name}`, column: 'sealed' }
}
