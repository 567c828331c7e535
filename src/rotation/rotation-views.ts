import { Injectable } from '@nestjs/common'
import { z } from 'zod'
import type { Page } from '../contract/lists.ts'
import type { RotationQuery, RotationTurn, RotationTurnQuery, RotationView } from '../contract/rotations.ts'
import { Cursors } from '../platform/http/cursors.ts'
import { Database, type Tx } from '../platform/postgres/database.ts'
import { selectRuns } from '../runs/ordered-run.ts'
import { ORPHANED } from './orphans.ts'
import { findRotation, type Rotation, selectRotations } from './rotation.ts'
import { selectTurns, type Turn, turnView } from './turn.ts'

const BY_ID = { list: 'rotations', position: z.string() }
const LATEST_FIRST = { list: 'rotation turns', position: z.string() }
const MOST_DUE = 200

/** What people see of rotations. */
@Injectable()
export class RotationViews {
  constructor(
    private readonly database: Database,
    private readonly cursors: Cursors,
  ) {}

  async one(id: string, tx: Tx = this.database.pool): Promise<RotationView> {
    return (await this.views(tx, [await findRotation(tx, id)]))[0]!
  }

  async list({ cursor, limit, integration }: RotationQuery): Promise<Page<RotationView>> {
    const found = await selectRotations(
      this.database.pool,
      '($1::text is null or id > $1) and ($2::text is null or integration_id = $2) order by id limit $3',
      [this.cursors.read(BY_ID, cursor) ?? null, integration ?? null, limit + 1],
    )
    const views = await this.views(this.database.pool, found)
    return this.cursors.page(
      BY_ID,
      views,
      limit,
      ({ id }) => id as string,
      (view) => view,
    )
  }

  /** What waits for somebody or should have been made comes first, then what is next. */
  async due(): Promise<{ items: RotationView[] }> {
    const found = await selectRotations(
      this.database.pool,
      `next_at is not null order by coalesce((select min(t.due_at) from rotation_turns t
         where t.rotation_id = rotations.id and t.state = 'waiting'), starts_at), id limit $1`,
      [MOST_DUE],
    )
    return { items: await this.views(this.database.pool, found) }
  }

  async turns(id: string, { cursor, limit }: RotationTurnQuery): Promise<Page<RotationTurn>> {
    await findRotation(this.database.pool, id)
    const found = await selectTurns(
      this.database.pool,
      't.rotation_id = $1 and ($2::text is null or t.id < $2) order by t.id desc limit $3',
      [id, this.cursors.read(LATEST_FIRST, cursor) ?? null, limit + 1],
    )
    const states = await statesOf(this.database.pool, found)
    return this.cursors.page(
      LATEST_FIRST,
      found,
      limit,
      (turn) => turn.id,
      (turn) => turnView(turn, states.get(turn.runId ?? '') ?? null),
    )
  }

  private async views(tx: Tx, rotations: readonly Rotation[]): Promise<RotationView[]> {
    const latest = await selectTurns(
      tx,
      't.id = any(array(select max(id) from rotation_turns where rotation_id = any($1) group by rotation_id))',
      [rotations.map(({ id }) => id)],
    )
    const states = await statesOf(tx, latest)
    const byRotation = new Map(latest.map((turn) => [turn.rotationId, turn]))
    return rotations.map((rotation) => viewOf(rotation, byRotation.get(rotation.id), states))
  }
}

async function statesOf(tx: Tx, turns: readonly Turn[]): Promise<Map<string, RotationTurn['runState']>> {
  const runs = await selectRuns(tx, 'o.id = any($1)', [turns.flatMap(({ runId }) => runId ?? [])])
  return new Map(runs.map(({ id, state }) => [id, state]))
}

function viewOf(rotation: Rotation, last: Turn | undefined, states: ReadonlyMap<string, RotationTurn['runState']>): RotationView {
  return {
    id: rotation.id as RotationView['id'],
    name: rotation.name,
    does: rotation.does,
    schedule: rotation.schedule,
    windows: [...rotation.windows],
    jitterSeconds: rotation.jitterSeconds,
    active: rotation.active,
    pausedBecause: rotation.isOrphaned ? ORPHANED : null,
    version: rotation.version,
    nextAt: rotation.nextAt?.toISOString() ?? null,
    startsAt: rotation.startsAt?.toISOString() ?? null,
    overdueSeconds: overdueSeconds(rotation, last),
    last: last ? turnView(last, states.get(last.runId ?? '') ?? null) : null,
    createdAt: rotation.createdAt.toISOString(),
    changedAt: rotation.changedAt.toISOString(),
  }
}

function overdueSeconds({ startsAt, now }: Rotation, last: Turn | undefined): number | null {
  const since = last?.state === 'waiting' ? last.dueAt : startsAt
  if (!since || since > now) return null
  return Math.floor((now.getTime() - since.getTime()) / 1000)
}
