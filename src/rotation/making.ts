import { Injectable, Logger, type OnModuleInit } from '@nestjs/common'
import { BROKER, record } from '../audit/record.ts'
import { each, type Outcome, pauseFor, type Work } from '../platform/due/due-lane.ts'
import { DueWork, enqueue } from '../platform/due/due-work.ts'
import { problemOf } from '../platform/http/problem-of.ts'
import { newId } from '../platform/ids.ts'
import { Database, rows, type Tx } from '../platform/postgres/database.ts'
import { refusalOfDatabase } from '../platform/postgres/database-errors.ts'
import { Orders, type ReadyOrder } from '../runs/orders.service.ts'
import { BrokerError } from '../sdk/index.ts'
import { Doing, type RunDoes } from './doing.ts'
import { pauseOrphans } from './orphans.ts'
import { lockRotation, ROTATION_WORK, type Rotation, selectRotations } from './rotation.ts'
import { dueWork, integrationOf, momentAfter } from './rotations.service.ts'
import { type Moment, momentsBetween, opening } from './schedule.ts'
import { beginTurn, type NewTurn, openTurn } from './turn.ts'

/** A target that is away is asked again for so long, and then people are told that nothing was made. */
const PATIENCE_MS = 3_600_000
const LONGEST_PAUSE_MS = 60_000
const STILL_GOING_MS = 5_000

/** The time that is due: its own moment, or the one at which somebody asked for it. */
interface Due {
  readonly at: Date
  /** moments that passed meanwhile, and for which nothing else is made */
  readonly missed: number
}

/** Has done what is due: the order of the run and the next moment are one transaction. */
@Injectable()
export class Making implements OnModuleInit {
  private readonly log = new Logger(Making.name)

  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly doing: Doing,
    private readonly orders: Orders,
  ) {}

  onModuleInit(): void {
    this.work.handle('background', ROTATION_WORK.due, (batch) => each(batch, (work) => this.make(work)))
  }

  private async make(work: Work): Promise<Outcome> {
    const [rotation] = await selectRotations(this.database.pool, 'id = $1', [work.subject])
    if (!rotation) return 'done'
    if (rotation.isOrphaned) {
      await this.database.transaction(pauseOrphans)
      return 'done'
    }
    const startsAt = startOf(rotation)
    if (!startsAt) return 'done'
    const early = startsAt.getTime() - rotation.now.getTime()
    if (early > 0) return early
    if (rotation.does.kind === 'remind') return this.database.transaction((tx) => this.remind(tx, rotation))
    if (!rotation.asked && opening(rotation.windows, rotation.now)?.getTime() !== rotation.now.getTime()) {
      return this.database.transaction((tx) => this.waitForWindow(tx, rotation))
    }
    // One at a time: what was begun before is over first.
    if (await openTurn(this.database.pool, rotation.id)) return STILL_GOING_MS
    return this.run(rotation, work.attempts)
  }

  private async run(rotation: Rotation, attempts: number): Promise<Outcome> {
    const due = dueOf(rotation)
    try {
      const ready = await this.ready(rotation, due)
      await this.database.transaction((tx) => this.order(tx, rotation, due, ready))
      this.orders.wake()
    } catch (thrown) {
      const error = refusalOfDatabase(thrown) ?? thrown
      if (!(error instanceof BrokerError)) this.log.error({ error, rotation: rotation.id }, 'a rotation met a bug')
      const mayPass = !(error instanceof BrokerError) || error.retryable
      const isLate = rotation.now.getTime() - startOf(rotation)!.getTime() > PATIENCE_MS
      if (mayPass && !isLate) return pauseFor(attempts, LONGEST_PAUSE_MS)
      await this.database.transaction((tx) => this.refuse(tx, rotation, due, error))
    }
    return 'done'
  }

  private async ready(rotation: Rotation, due: Due): Promise<ReadyOrder> {
    const does = this.doing.opened(rotation) as RunDoes
    await this.doing.mustBeFit(does)
    const { asked } = rotation
    return this.orders.ready({
      integrationId: does.integrationId,
      action: does.action,
      input: does.input,
      reason: asked ? `rotation ${rotation.name}, now: ${asked.reason}` : `rotation ${rotation.name}, by its schedule`,
      startedBy: asked ? { kind: 'person', id: asked.by } : { kind: 'schedule', id: rotation.id },
      idempotencyKey: `${rotation.id} ${due.at.toISOString()}`,
    })
  }

  private async order(tx: Tx, read: Rotation, due: Due, ready: ReadyOrder): Promise<void> {
    const rotation = await stillDue(tx, read)
    if (!rotation || (await openTurn(tx, rotation.id))) return
    const { id: runId } = await ready.write(tx)
    const turn = await begin(tx, rotation, due, { state: 'running', runId })
    const shard = integrationOf(rotation.does) ?? ''
    await enqueue(tx, [{ lane: 'background', kind: ROTATION_WORK.follow, subject: turn, shard }])
    await this.goOn(tx, rotation, due)
    const data = { name: rotation.name, turn, run: runId, dueAt: due.at.toISOString() }
    await record(tx, { kind: 'rotation.made', actor: rotation.asked?.by ?? BROKER, subject: rotation.id, data })
  }

  /** Nothing was made this time, and why; the next time is tried again. */
  private async refuse(tx: Tx, read: Rotation, due: Due, error: unknown): Promise<void> {
    const rotation = await stillDue(tx, read)
    if (!rotation) return
    const problem = problemOf(error)
    const turn = await begin(tx, rotation, due, { state: 'refused', problem })
    await this.goOn(tx, rotation, due)
    const data = { name: rotation.name, turn, ...problem }
    await record(tx, { kind: 'rotation.refused', actor: BROKER, subject: rotation.id, data })
  }

  /** Tells people that they are to do it; again at each moment until somebody did. */
  private async remind(tx: Tx, read: Rotation): Promise<Outcome> {
    const rotation = await stillDue(tx, read)
    if (rotation?.does.kind !== 'remind') return 'done'
    const due = dueOf(rotation)
    const waiting = await openTurn(tx, rotation.id)
    const id = waiting?.id ?? (await begin(tx, rotation, due, { state: 'waiting' }))
    await this.goOn(tx, rotation, due)
    const since = (waiting?.dueAt ?? due.at).toISOString()
    const data = { name: rotation.name, turn: id, message: rotation.does.what, since }
    await record(tx, { kind: 'rotation.due', actor: BROKER, subject: rotation.id, data })
    return 'done'
  }

  /** What was missed is made up for when the next window opens; by a cron line at its next moment, which lies in one. */
  private async waitForWindow(tx: Tx, read: Rotation): Promise<Outcome> {
    const rotation = await stillDue(tx, read)
    if (!rotation) return 'done'
    if (rotation.schedule.kind === 'cron') {
      const { at, missed } = dueOf(rotation)
      await this.goOn(tx, rotation, { at, missed: missed + 1 })
      return 'done'
    }
    const opens = opening(rotation.windows, rotation.now)
    await rows(tx, 'update rotations set starts_at = $2 where id = $1', [rotation.id, opens])
    await enqueue(tx, [dueWork(rotation.id, integrationOf(rotation.does), opens!)])
    return 'done'
  }

  /** The next moment, and what was missed. */
  private async goOn(tx: Tx, rotation: Rotation, { missed }: Due): Promise<void> {
    const next = nextOf(rotation)
    await rows(tx, 'update rotations set next_at = $2, starts_at = $3, asked = null where id = $1', [
      rotation.id,
      next?.at ?? null,
      next?.startsAt ?? null,
    ])
    if (next) await enqueue(tx, [dueWork(rotation.id, integrationOf(rotation.does), next.startsAt)])
    if (missed === 0) return
    const data = { name: rotation.name, missed, since: rotation.nextAt!.toISOString() }
    await record(tx, { kind: 'rotation.missed', actor: BROKER, subject: rotation.id, data })
  }
}

/** Answers the id of the turn. */
async function begin(
  tx: Tx,
  { id: rotationId, asked }: Rotation,
  { at: dueAt, missed }: Due,
  how: Pick<NewTurn, 'state'> & Partial<Pick<NewTurn, 'runId' | 'problem'>>,
): Promise<string> {
  const id = newId('rtn')
  await beginTurn(tx, { runId: null, problem: null, ...how, id, rotationId, dueAt, missed, askedBy: asked?.by ?? null })
  return id
}

/** The rotation as it is, its row locked, if the moment that was read is still the one that is due. */
async function stillDue(tx: Tx, read: Rotation): Promise<Rotation | undefined> {
  const now = await lockRotation(tx, read.id)
  const isSame = now.version === read.version && dueAt(now).getTime() === dueAt(read).getTime()
  return startOf(now) && isSame ? now : undefined
}

function startOf({ asked, startsAt }: Rotation): Date | null {
  return asked ? new Date(asked.at) : startsAt
}

function dueOf(rotation: Rotation): Due {
  const { asked, nextAt, now } = rotation
  return { at: dueAt(rotation), missed: asked || !nextAt ? 0 : momentsBetween(rotation, nextAt, now) }
}

function dueAt({ asked, nextAt, now }: Rotation): Date {
  return asked || !nextAt ? new Date(asked?.at ?? now) : nextAt
}

/** An interval is counted from the last time, a cron line goes on as it says. What is due and was asked for is made once. */
function nextOf(rotation: Rotation): Moment | undefined {
  const { schedule, nextAt, startsAt, asked, now } = rotation
  if (!nextAt || !startsAt) return undefined
  if (asked && schedule.kind === 'cron' && nextAt > now) return { at: nextAt, startsAt }
  if (asked) return momentAfter(rotation, now)
  if (schedule.kind === 'cron') return momentAfter(rotation, nextAt > now ? nextAt : now)
  const next = momentAfter(rotation, nextAt)
  return next.at > now ? next : momentAfter(rotation, now)
}
