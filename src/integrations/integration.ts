import { row, rows, type Tx } from '../platform/postgres/database.ts'
import { BrokerError, type ExpiryGuarantee, type HealthCheck } from '../sdk/index.ts'

/** One configured connection made with a plugin, as its row has it. */
export interface Integration {
  readonly id: string
  readonly name: string
  readonly plugin: string
  /** what was configured, with a mark where secrets are */
  readonly config: unknown
  /** the secrets, sealed; null when there are none */
  readonly sealed: string | null
  readonly state: 'active' | 'paused' | 'removed'
  readonly accessDetails: string | null
  readonly health: readonly HealthCheck[] | null
  readonly healthAt: Date | null
  readonly guarantees: Guarantees | null
  /** the connection of a target of distribution serves nothing else */
  readonly serves: 'access' | 'distribution'
  readonly version: number
  readonly createdBy: string | null
  readonly createdAt: Date
  readonly changedAt: Date
}

/** Who enforces the end of a grant, per delivery. */
export type Guarantees = Readonly<Record<string, ExpiryGuarantee>>

const COLUMNS = `id, name, plugin, config, sealed, state, access_details as "accessDetails", health, health_at as "healthAt", guarantees,
  serves, version, created_by as "createdBy", created_at as "createdAt", changed_at as "changedAt"`

export function selectIntegrations(tx: Tx, where: string, values: readonly unknown[] = []): Promise<Integration[]> {
  return rows(tx, `select ${COLUMNS} from (select * from integrations where serves = 'access') as i where ${where}`, values)
}

/**
 * A living integration; `lock` holds it until the transaction ends, so that it changes under nobody's feet. The connection of a target of
 * distribution is none: it gives no access and is changed with its target alone.
 */
export function findIntegration(tx: Tx, id: string, lock?: Lock): Promise<Integration> {
  return find(tx, `id = $1 and state <> 'removed' and serves = 'access'`, id, lock)
}

/** The same, or the connection of a target: whatever actions may be done through. */
export function findConnected(tx: Tx, id: string, lock?: Lock): Promise<Integration> {
  return find(tx, `id = $1 and state <> 'removed'`, id, lock)
}

type Lock = 'for update' | 'for share'

async function find(tx: Tx, where: string, id: string, lock: Lock | undefined): Promise<Integration> {
  const found = await row<Integration>(tx, `select ${COLUMNS} from integrations where ${where} ${lock ?? ''}`, [id])
  if (!found) throw new BrokerError('not_found', `there is no integration ${id}`)
  return found
}

/** Of these ids, those whose integration was removed. */
export async function removedAmong(tx: Tx, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const removed = await rows<{ id: string }>(tx, `select id from integrations where id = any($1) and state = 'removed'`, [ids])
  return new Set(removed.map(({ id }) => id))
}
