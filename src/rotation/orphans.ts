import { Injectable, type OnModuleInit } from '@nestjs/common'
import { BROKER, record } from '../audit/record.ts'
import { Inhabitants } from '../integrations/inhabitants.ts'
import { removedAmong } from '../integrations/integration.ts'
import { withdraw } from '../platform/due/due-work.ts'
import { rows, type Tx } from '../platform/postgres/database.ts'
import { selectRuns } from '../runs/ordered-run.ts'
import { BrokerError } from '../sdk/index.ts'
import { ROTATION_WORK, type Rotation } from './rotation.ts'
import { selectTurns } from './turn.ts'

export const ORPHANED = 'its integration was removed'
const FIX = 'change the rotation to another integration, or remove it'
const MOST_AT_ONCE = 100

/** Pauses rotations whose integration was removed, and says so once. What was sealed of them was for that integration alone. */
export async function pauseOrphans(tx: Tx): Promise<number> {
  const going = 'removed_at is null and (active or asked is not null or sealed_input is not null)'
  const used = await rows<{ id: string }>(
    tx,
    `select distinct integration_id as id from rotations where ${going} and integration_id is not null`,
  )
  const removed = await removedAmong(
    tx,
    used.map(({ id }) => id),
  )
  if (removed.size === 0) return 0
  const orphans = await rows<{ id: string; name: string }>(
    tx,
    `select id, name from rotations where integration_id = any($1) and ${going} order by id limit $2 for update skip locked`,
    [[...removed], MOST_AT_ONCE],
  )
  const ids = orphans.map(({ id }) => id)
  if (ids.length === 0) return 0
  await rows(
    tx,
    `update rotations set active = false, next_at = null, starts_at = null, asked = null, sealed_input = null, version = version + 1,
       changed_at = clock_timestamp() where id = any($1)`,
    [ids],
  )
  await withdraw(tx, [ROTATION_WORK.due], ids)
  for (const { id, name } of orphans) {
    await record(tx, { kind: 'rotation.stopped', actor: BROKER, subject: id, data: { name, message: ORPHANED, fix: FIX } })
  }
  return ids.length
}

export function mustHaveIntegration({ isOrphaned }: Pick<Rotation, 'isOrphaned'>): void {
  if (isOrphaned) throw new BrokerError('conflict', `the rotation cannot run: ${ORPHANED}`, { fix: FIX })
}

/** The way back of what is still under test goes through its integration. */
@Injectable()
export class RotationsUnderTest implements OnModuleInit {
  constructor(private readonly inhabitants: Inhabitants) {}

  onModuleInit(): void {
    this.inhabitants.register({
      one: 'rotation under test',
      many: 'rotations under test',
      living: async (tx, integrationId) => {
        const turns = await selectTurns(tx, 't.settled_at is null and t.run_id is not null', [])
        const runs = await selectRuns(tx, `o.id = any($1) and o.integration_id = $2 and r.state = 'executed'`, [
          turns.map(({ runId }) => runId),
          integrationId,
        ])
        const live = new Set(runs.map(({ id }) => id))
        return turns.filter(({ runId }) => runId !== null && live.has(runId))
      },
    })
  }
}
