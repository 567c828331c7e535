import { parseConfig } from '../../integrations/secrets/integration-config.ts'
import { CONNECTION_HEALTH } from '../../integrations/target-connections.ts'
import { InvalidInput } from '../../platform/http/input-pipe.ts'
import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import type { Sealer } from '../../platform/sealing/sealing.ts'
import type { AnyPlugin, HealthCheck, Json } from '../../sdk/index.ts'
import { BrokerError } from '../../sdk/index.ts'
import { type AnyDistribution, type Credential, distributionOf, mustReach, typedLogin } from './credential.ts'

/** Where certificates go, and the connection that leads there. */
export interface Target {
  readonly id: string
  readonly name: string
  readonly plugin: string
  readonly credentialId: string
  readonly credentialName: string
  readonly integrationId: string
  readonly location: Json
  readonly health: readonly HealthCheck[] | null
  readonly healthAt: Date | null
  readonly version: number
  readonly createdAt: Date
  readonly changedAt: Date
}

export function selectTargets(tx: Tx, where: string, values: readonly unknown[]): Promise<Target[]> {
  return rows(
    tx,
    `select t.id, t.name, t.plugin, t.credential_id as "credentialId", c.name as "credentialName", t.integration_id as "integrationId",
       t.location, h.health, h."healthAt", t.version, t.created_at as "createdAt", t.changed_at as "changedAt"
     from distribution_targets t join target_credentials c on c.id = t.credential_id join ${CONNECTION_HEALTH} h on h.id = t.integration_id
     where t.removed_at is null and ${where}`,
    values,
  )
}

export async function findTarget(tx: Tx, id: string, lock?: 'for update' | 'for share'): Promise<Target> {
  if (lock) await row(tx, `select 1 from distribution_targets where id = $1 ${lock}`, [id])
  const [found] = await selectTargets(tx, 't.id = $1', [id])
  if (!found) throw new BrokerError('not_found', `there is no target ${id}`)
  return found
}

/** The configuration of the connection of a credential and a location, as the plugin's parser makes it. Throws where the one may not go to the other. */
export async function connectionOf(sealer: Sealer, plugin: AnyPlugin, credential: Credential, location: Json): Promise<unknown> {
  const distribution: AnyDistribution = distributionOf(plugin)
  mustReach(credential, distribution.destinationOf(location))
  try {
    return await parseConfig(plugin, distribution.configOf(typedLogin(sealer, distribution, credential), location))
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error
    throw new InvalidInput(
      error.issues.map((issue) => ({
        ...issue,
        field: issue.field.replace(/^config\.auth\b/, 'credentialId').replace(/^config\b/, 'location'),
      })),
    )
  }
}
