import { Injectable, type OnModuleInit } from '@nestjs/common'
import { record } from '../audit/record.ts'
import type { ChangeKind, Ready } from '../changes/change-kind.ts'
import { FourEyes } from '../changes/four-eyes.ts'
import type { Held } from '../changes/held.ts'
import {
  type ChangedRotation,
  changedRotation,
  type Does,
  type NewRotation,
  newRotation,
  type RotationView,
} from '../contract/rotations.ts'
import type { Caller } from '../identity/callers/caller.ts'
import { DueWork, enqueue, withdraw } from '../platform/due/due-work.ts'
import { newId } from '../platform/ids.ts'
import { Database, databaseNow, rows, type Tx } from '../platform/postgres/database.ts'
import { violates } from '../platform/postgres/database-errors.ts'
import { BrokerError, type Json } from '../sdk/index.ts'
import { Doing, type KeptDoes } from './doing.ts'
import { mustHaveIntegration } from './orphans.ts'
import { findRotation, lockRotation, ROTATION_WORK, type Rotation } from './rotation.ts'
import { RotationViews } from './rotation-views.ts'
import { type Moment, momentWithJitter, mustComeAbout, nextMoment, type Plan } from './schedule.ts'

/** What is done over and over: made, changed and removed, at once or after a second person. */
@Injectable()
export class Rotations implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly doing: Doing,
    private readonly views: RotationViews,
    private readonly fourEyes: FourEyes,
  ) {}

  onModuleInit(): void {
    this.fourEyes.register(this.creating)
    this.fourEyes.register(this.changing)
    this.fourEyes.register(this.removing)
  }

  create(caller: Caller, rotation: NewRotation): Promise<RotationView | Held> {
    return this.fourEyes.submit(caller, this.creating, null, rotation)
  }

  change(caller: Caller, id: string, change: ChangedRotation): Promise<RotationView | Held> {
    return this.fourEyes.submit(caller, this.changing, id, change)
  }

  remove(caller: Caller, id: string): Promise<RotationView | Held> {
    return this.fourEyes.submit(caller, this.removing, id, {})
  }

  private readonly creating: ChangeKind<NewRotation, RotationView> = {
    kind: 'rotation.create',
    roles: ['admin'],
    parse: (body) => newRotation.parse(body),
    summary: async (_, rotation) => {
      mustComeAbout(planOf(rotation), await databaseNow(this.database.pool))
      return { ...rotation, ...(await this.summaryOf(rotation.does)) } as unknown as Record<string, Json>
    },
    prepare: (by, _, rotation) => this.made(by, rotation),
  }

  private readonly changing: ChangeKind<ChangedRotation, RotationView> = {
    kind: 'rotation.change',
    roles: ['admin'],
    // The base is pinned, and it says more than a version.
    parse: (body) => ({ ...changedRotation.parse(body), version: undefined }),
    summary: async (id, { version, ...change }) => {
      const before = await findRotation(this.database.pool, id!)
      mustBeVersion(before, version)
      mustComeAbout(planAfter(before, change), before.now)
      mustBeAbleToGoOn(before, change)
      const does = change.does && (await this.summaryOf(await this.doing.completed(before, change.does)))
      return { ...change, ...does } as unknown as Record<string, Json>
    },
    base: async (tx, id) => {
      const { name, does, schedule, windows, jitterSeconds, active, sealedInput } = await lockRotation(tx, id)
      const shown = { name, does, schedule, windows: [...windows], jitterSeconds, active } as unknown as Record<string, Json>
      return { shown, digest: sealedInput }
    },
    prepare: (by, id, change) => this.changed(by, id!, change),
  }

  private readonly removing: ChangeKind<object, RotationView> = {
    kind: 'rotation.remove',
    roles: ['admin'],
    parse: () => ({}),
    summary: async (id) => ({ name: (await findRotation(this.database.pool, id!)).name }),
    base: async (tx, id) => {
      const { name, active } = await lockRotation(tx, id)
      return { shown: { name, active } }
    },
    prepare: async (by, id) => ({ write: (tx) => this.removed(tx, by, id!) }),
  }

  private async summaryOf(does: Does) {
    if (does.kind !== 'run') return { does }
    const steps = await this.doing.mustBeMeant(does)
    return {
      does: await this.doing.shown(does),
      steps: steps.map(({ target, summary, before }) => ({ target, summary, before: before ?? null })),
    }
  }

  private async made(by: string, rotation: NewRotation): Promise<Ready<RotationView>> {
    const id = newId('rot')
    const plan = planOf(rotation)
    mustComeAbout(plan, await databaseNow(this.database.pool))
    if (rotation.does.kind === 'run') await this.doing.mustBeMeant(rotation.does)
    const kept = await this.doing.kept(id, rotation.does)
    const write = async (tx: Tx) => {
      const next = rotation.active ? momentAfter(plan, await databaseNow(tx)) : undefined
      await rows(
        tx,
        `insert into rotations (id, name, does, sealed_input, integration_id, schedule, windows, jitter_seconds, active, next_at, starts_at, created_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
        [
          id,
          rotation.name,
          ...keptValues(kept),
          ...planValues(plan),
          rotation.active,
          next?.at ?? null,
          next?.startsAt ?? null,
          by,
        ],
      ).catch(nameTaken(rotation.name))
      await this.putDown(tx, id, kept.integrationId, next)
      const { name, schedule, active } = rotation
      await record(tx, { kind: 'rotation.created', actor: by, subject: id, data: { name, does: kept.does, schedule, active } })
      return this.views.one(id, tx)
    }
    return { write, afterwards: () => this.work.wake('background') }
  }

  private async changed(by: string, id: string, change: ChangedRotation): Promise<Ready<RotationView>> {
    const before = await findRotation(this.database.pool, id)
    mustBeVersion(before, change.version)
    const plan = planAfter(before, change)
    mustComeAbout(plan, before.now)
    mustBeAbleToGoOn(before, change)
    const does = change.does && (await this.doing.completed(before, change.does))
    if (does?.kind === 'run') await this.doing.mustBeMeant(does)
    const kept = does ? await this.doing.kept(id, does) : undefined
    const name = change.name ?? before.name
    const active = change.active ?? before.active
    const write = async (tx: Tx) => {
      const now = await lockRotation(tx, id)
      mustBeVersion(now, before.version)
      const isReplanned = change.schedule ?? change.windows ?? change.jitterSeconds
      // What was due when it was paused is not made up for: somebody wanted it not to be.
      const stays = isReplanned === undefined && now.active && now.nextAt && now.startsAt
      const next = active ? (stays ? { at: now.nextAt!, startsAt: now.startsAt! } : momentAfter(plan, now.now)) : undefined
      await rows(
        tx,
        `update rotations set name = $2, does = $3, sealed_input = $4, integration_id = $5, schedule = $6, windows = $7, jitter_seconds = $8,
           active = $9, next_at = $10, starts_at = $11, version = version + 1, changed_at = clock_timestamp() where id = $1`,
        [
          id,
          name,
          ...keptValues(
            kept ?? { does: now.does as unknown as Json, sealedInput: now.sealedInput, integrationId: integrationOf(now.does) },
          ),
          ...planValues(plan),
          active,
          next?.at ?? null,
          next?.startsAt ?? null,
        ],
      ).catch(nameTaken(name))
      await this.putDown(tx, id, integrationOf(does ?? now.does), next)
      const fields = Object.keys(change).filter(
        (field) => field !== 'version' && change[field as keyof ChangedRotation] !== undefined,
      )
      await record(tx, { kind: 'rotation.changed', actor: by, subject: id, data: { name, fields, active } })
      return this.views.one(id, tx)
    }
    return { write, afterwards: () => this.work.wake('background') }
  }

  private async removed(tx: Tx, by: string, id: string): Promise<RotationView> {
    const { name } = await lockRotation(tx, id)
    const view = await this.views.one(id, tx)
    await rows(
      tx,
      `update rotations set removed_at = clock_timestamp(), active = false, next_at = null, starts_at = null, asked = null, sealed_input = null,
         changed_at = clock_timestamp() where id = $1`,
      [id],
    )
    await withdraw(tx, [ROTATION_WORK.due], [id])
    await record(tx, { kind: 'rotation.removed', actor: by, subject: id, data: { name } })
    return view
  }

  private async putDown(tx: Tx, id: string, integrationId: string | null, next: Moment | undefined): Promise<void> {
    if (next) await enqueue(tx, [dueWork(id, integrationId, next.startsAt)])
    else await withdraw(tx, [ROTATION_WORK.due], [id])
  }
}

/** The next time a rotation is looked at; what goes through one integration shares a fate. */
export function dueWork(id: string, integrationId: string | null, at: Date) {
  return { lane: 'background', kind: ROTATION_WORK.due, subject: id, shard: integrationId ?? '', at } as const
}

export function integrationOf(does: Does): string | null {
  return does.kind === 'run' ? does.integrationId : null
}

/** A plan that comes about at all has one. */
export function momentAfter(plan: Plan, after: Date): Moment {
  const at = nextMoment(plan, after)
  if (!at) throw new TypeError('a schedule without a next moment')
  return momentWithJitter(plan, at, Math.random())
}

function planOf({ schedule, windows, jitterSeconds }: NewRotation): Plan {
  return { schedule, windows: windows ?? [], jitterSeconds }
}

function planAfter(before: Rotation, { schedule, windows, jitterSeconds }: ChangedRotation): Plan {
  return {
    schedule: schedule ?? before.schedule,
    windows: windows ?? before.windows,
    jitterSeconds: jitterSeconds ?? before.jitterSeconds,
  }
}

const keptValues = ({ does, sealedInput, integrationId }: KeptDoes) => [JSON.stringify(does), sealedInput, integrationId]
const planValues = ({ schedule, windows, jitterSeconds }: Plan) => [
  JSON.stringify(schedule),
  JSON.stringify(windows),
  jitterSeconds,
]

/** What is resumed is done through the integration it names, unless it names another. */
function mustBeAbleToGoOn(before: Rotation, { active, does }: ChangedRotation): void {
  if (active && !does) mustHaveIntegration(before)
}

function mustBeVersion(now: Rotation, version: number | undefined): void {
  if (version === undefined || version === now.version) return
  throw new BrokerError('conflict', `the rotation was changed since you read it: its version is now ${now.version}`, {
    field: 'version',
    fix: 'read it again, and repeat your change with that version',
  })
}

function nameTaken(name: string) {
  return (error: unknown): never => {
    if (!violates((error as { driverError?: unknown }).driverError ?? error, 'rotations_name_taken')) throw error
    throw new BrokerError('name.taken', `another rotation has the name ${name}`, { field: 'name', cause: error })
  }
}
