import type { Does } from '../contract/rotations.ts'
import { removedAmong } from '../integrations/integration.ts'
import { row, rows, type Tx } from '../platform/postgres/database.ts'
import { BrokerError } from '../sdk/index.ts'
import type { Plan } from './schedule.ts'

/** Due work: of a rotation the next time it is due, of a turn to see what comes of it, and to ask whether what was set works. */
export const ROTATION_WORK = { due: 'rotation.due', follow: 'rotation.follow', test: 'rotation.test' } as const

/** What is done over and over, as its row says. */
export interface Rotation extends Plan {
  readonly id: string
  readonly name: string
  /** the input without its secrets */
  readonly does: Does
  /** the whole input as it was typed, where there is a secret in it */
  readonly sealedInput: string | null
  /** its integration was removed */
  readonly isOrphaned: boolean
  readonly active: boolean
  readonly version: number
  readonly nextAt: Date | null
  readonly startsAt: Date | null
  /** somebody wants it run now */
  readonly asked: { readonly by: string; readonly reason: string; readonly at: string } | null
  readonly createdAt: Date
  readonly changedAt: Date
  /** by the database's clock, when this was read */
  readonly now: Date
}

const SELECT = `select id, name, does, sealed_input as "sealedInput", schedule, windows, jitter_seconds as "jitterSeconds", active, version,
  next_at as "nextAt", starts_at as "startsAt", asked, created_at as "createdAt", changed_at as "changedAt", clock_timestamp() as now from rotations`

/** Those that were not removed. */
export async function selectRotations(tx: Tx, condition: string, values: readonly unknown[]): Promise<Rotation[]> {
  const found = await rows<Omit<Rotation, 'isOrphaned'>>(tx, `${SELECT} where removed_at is null and ${condition}`, values)
  const through = ({ does }: Pick<Rotation, 'does'>) => (does.kind === 'run' ? does.integrationId : '')
  const removed = await removedAmong(tx, found.map(through))
  return found.map((rotation) => ({ ...rotation, isOrphaned: removed.has(through(rotation)) }))
}

export async function findRotation(tx: Tx, id: string): Promise<Rotation> {
  const [found] = await selectRotations(tx, 'id = $1', [id])
  if (!found) throw new BrokerError('not_found', `there is no rotation ${id}`)
  return found
}

export async function findUnlessRemoved(tx: Tx, id: string): Promise<Rotation | undefined> {
  return (await selectRotations(tx, 'id = $1', [id]))[0]
}

/** Its row is locked until the transaction ends. */
export async function lockRotation(tx: Tx, id: string): Promise<Rotation> {
  await row(tx, 'select 1 from rotations where id = $1 for update', [id])
  return findRotation(tx, id)
}
