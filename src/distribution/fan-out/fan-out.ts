import { setTimeout as rest } from 'node:timers/promises'
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common'
import { BROKER, record } from '../../audit/record.ts'
import { Connections } from '../../integrations/connections/connections.ts'
import { each, type Hold, type Outcome, type Work } from '../../platform/due/due-lane.ts'
import { DueWork } from '../../platform/due/due-work.ts'
import { problemOf } from '../../platform/http/problem-of.ts'
import { inParallel } from '../../platform/pacing/in-parallel.ts'
import { Database, rows, type Tx } from '../../platform/postgres/database.ts'
import { Orders, type ReadyOrder } from '../../runs/orders.service.ts'
import { BrokerError, isBrokerError } from '../../sdk/index.ts'
import { findCertificate } from '../certificates/certificate.ts'
import { findTarget, type Target } from '../targets/target.ts'
import {
  backOf,
  DISTRIBUTION_WORK,
  type Distribution,
  findDistribution,
  hasSettled,
  type Part,
  partsOf,
  stateOf,
  stateOfAll,
} from './distribution.ts'
import { Fitting } from './fitting.ts'
import { Wishes } from './wishes.ts'

const LOOK_MS = 100
/** Then it goes back into the table, and another replica may go on with it. */
const LONGEST_LOOK_MS = 10_000
const AGAIN_MS = 300

/** Orders one run after another for the targets of a distribution, so many at once, and sees when all have settled. */
@Injectable()
export class FanOut implements OnModuleInit {
  private readonly log = new Logger(FanOut.name)

  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly orders: Orders,
    private readonly fitting: Fitting,
    private readonly connections: Connections,
    private readonly wishes: Wishes,
  ) {}

  onModuleInit(): void {
    this.work.handle('run', DISTRIBUTION_WORK, (batch, hold) => each(batch, (work) => this.advance(work, hold)))
  }

  private async advance({ subject: id }: Work, hold: Hold): Promise<Outcome> {
    const until = performance.now() + LONGEST_LOOK_MS
    const putOff = new Set<string>()
    const ended = new Set<string>()
    while (hold.isOurs() && !hold.signal.aborted && performance.now() < until) {
      const parts = await partsOf(this.database.pool, [id])
      await this.wishes.carryOut(parts)
      this.endSessions(parts, ended)
      if (parts.every(hasSettled)) return (await this.finish(id)) ? 'done' : AGAIN_MS
      const distribution = await findDistribution(this.database.pool, id)
      const next = nextOf(distribution, parts).filter(({ targetId }) => !putOff.has(targetId))
      if (next.length > 0) await this.order(distribution, next, putOff)
      else if (!parts.some(({ runId }) => runId === null)) return AGAIN_MS // nothing is left to begin with
      await rest(LOOK_MS)
    }
    return AGAIN_MS
  }

  /** A session ends when its target has settled, and waits for no slower target. */
  private endSessions(parts: readonly Part[], ended: Set<string>): void {
    for (const part of parts) {
      if (!hasSettled(part)) ended.delete(part.integrationId)
      else if (!ended.has(part.integrationId)) {
        ended.add(part.integrationId)
        this.connections.drop(part.integrationId)
      }
    }
  }

  /** What cannot be begun for now keeps no other waiting. */
  private async order(distribution: Distribution, parts: readonly Part[], putOff: Set<string>): Promise<void> {
    await inParallel(parts, parts.length, async (part) => {
      try {
        await this.begin(distribution, part)
      } catch (error) {
        if (isBrokerError(error) && !error.retryable) return this.refuse(part, error)
        putOff.add(part.targetId)
        this.log.warn({ error, distribution: distribution.id, target: part.targetId }, 'a target could not be begun with')
      }
    })
    this.orders.wake()
  }

  private async begin(distribution: Distribution, part: Part): Promise<void> {
    const { id } = distribution
    const { ready, version } = await this.ready(distribution, part)
    await this.database.transaction(async (tx) => {
      await findDistribution(tx, id, 'for update')
      const [still] = await rows(
        tx,
        'select 1 from distribution_parts where distribution_id = $1 and target_id = $2 and run_id is null and problem is null',
        [id, part.targetId],
      )
      if (!still) return
      const now = await findTarget(tx, part.targetId, 'for share') // until its run is there, which is seen by a change
      if (now.version !== version) return // the next look says whether it may go there
      const run = await ready.write(tx)
      await rows(tx, 'update distribution_parts set run_id = $3 where distribution_id = $1 and target_id = $2', [
        id,
        part.targetId,
        run.id,
      ])
    })
  }

  /** The private key leaves its seal here and goes under that of the run, from where it goes to its target. */
  private async ready(distribution: Distribution, part: Part): Promise<{ ready: ReadyOrder; version: number }> {
    const { id, attempts, reason, undoIfUnverified, sentBy, sourceId } = distribution
    const target = await findTarget(this.database.pool, part.targetId)
    mustBeAccepted(part, target)
    const certificate = await findCertificate(this.database.pool, distribution.certificate.id)
    await this.fitting.mustBeOfUse(this.database.pool, certificate) // hours may lie between the order and this
    const { action, input } = this.fitting.actionFor(target, certificate)
    const ready = await this.orders.ready({
      integrationId: target.integrationId,
      action,
      input,
      reason,
      startedBy: { kind: 'distribution', id },
      // What two people agreed on once goes on when one of them has left.
      ...((sourceId === null || attempts > 1) && { onBehalfOf: sentBy }),
      idempotencyKey: `${id} ${attempts}`,
      undoIfUnverified,
    })
    return { ready, version: target.version }
  }

  private async refuse(part: Part, error: BrokerError): Promise<void> {
    await rows(
      this.database.pool,
      'update distribution_parts set problem = $3 where distribution_id = $1 and target_id = $2 and run_id is null',
      [part.distributionId, part.targetId, JSON.stringify(problemOf(error))],
    )
  }

  /** Whether it is over: a person may have said more meanwhile. */
  private async finish(id: string): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      await findDistribution(tx, id, 'for update')
      const now = await partsOf(tx, [id])
      if (!now.every(hasSettled)) return false
      const [first] = await rows<{ attempts: number; told: number }>(
        tx,
        `update distributions d set finished_at = now(), told_attempts = d.attempts from distributions before
         where d.id = $1 and before.id = d.id and d.finished_at is null returning d.attempts, before.told_attempts as told`,
        [id],
      )
      if (first) await this.tell(tx, id, now, first.attempts > first.told)
      return true
    })
  }

  /** What came of sending, and what of putting back. */
  private async tell(tx: Tx, id: string, parts: readonly Part[], wasSent: boolean): Promise<void> {
    const state = stateOfAll(parts)
    const targets = Object.fromEntries(parts.map((part) => [part.targetId, stateOf(part)]))
    if (wasSent) {
      const kind = state === 'done' ? 'distribution.finished' : 'distribution.failed'
      await record(tx, { kind, actor: BROKER, subject: id, data: { state, targets } })
    }
    const asked = parts.filter(({ isAskedBack }) => isAskedBack)
    if (asked.length === 0) return
    await rows(tx, 'update distribution_parts set asked_back = false where distribution_id = $1', [id])
    const { isWhole, ...data } = backOf(asked)
    const kind = isWhole ? 'distribution.rolled_back' : 'distribution.rollback_incomplete'
    await record(tx, { kind, actor: BROKER, subject: id, data: { state, targets, ...data } })
  }
}

/** Those that there is room for. One that hangs or waits for its target to come back keeps no other waiting. */
function nextOf({ batchSize }: Distribution, parts: readonly Part[]): readonly Part[] {
  const taken = parts.filter((part) => part.runId !== null && !hasSettled(part) && part.isFresh).length
  return parts.filter((part) => stateOf(part) === 'queued' && part.runId === null).slice(0, Math.max(0, batchSize - taken))
}

/** It goes where it was said to go, and nowhere else. */
function mustBeAccepted({ targetVersion }: Part, { name, version }: Target): void {
  if (targetVersion === null || targetVersion === version) return
  throw new BrokerError('conflict', `${name} was changed after this was ordered: nothing was sent there`, {
    fix: 'look at where it leads now, and resume the distribution or order a new one',
  })
}
