import { setTimeout as rest } from 'node:timers/promises'
import { Injectable, type OnModuleInit } from '@nestjs/common'
import { BROKER, record } from '../../audit/record.ts'
import { Catalog } from '../../catalog/catalog.ts'
import { Connections } from '../../integrations/connections.ts'
import { each, type Hold, type Outcome, type Work } from '../../platform/due/due-lane.ts'
import { DueWork } from '../../platform/due/due-work.ts'
import { problemOf } from '../../platform/http/problem-of.ts'
import { inParallel } from '../../platform/pacing/in-parallel.ts'
import { Database, rows } from '../../platform/postgres/database.ts'
import { Sealer } from '../../platform/sealing/sealing.ts'
import { Orders, type ReadyOrder } from '../../runs/orders.service.ts'
import { BrokerError, isBrokerError } from '../../sdk/index.ts'
import { findCertificate, privateKeyOf, toGo } from '../certificates/certificate.ts'
import { distributionOf } from '../targets/credential.ts'
import { findTarget } from '../targets/target.ts'
import {
  DISTRIBUTION_WORK,
  type Distribution,
  findDistribution,
  hasSettled,
  type Part,
  partsOf,
  stateOf,
  stateOfAll,
} from './distribution.ts'
import { Wishes } from './wishes.ts'

const LOOK_MS = 100
/** Then it goes back into the table, and another replica may go on with it. */
const LONGEST_LOOK_MS = 10_000
const AGAIN_MS = 300

/** Orders one run after another for the targets of a distribution, so many at once, and sees when all have settled. */
@Injectable()
export class FanOut implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly orders: Orders,
    private readonly catalog: Catalog,
    private readonly sealer: Sealer,
    private readonly connections: Connections,
    private readonly wishes: Wishes,
  ) {}

  onModuleInit(): void {
    this.work.handle('run', DISTRIBUTION_WORK, (batch, hold) => each(batch, (work) => this.advance(work, hold)))
  }

  private async advance({ subject: id }: Work, hold: Hold): Promise<Outcome> {
    const until = performance.now() + LONGEST_LOOK_MS
    while (hold.isOurs() && !hold.signal.aborted && performance.now() < until) {
      const parts = await partsOf(this.database.pool, [id])
      await this.wishes.carryOut(parts)
      if (parts.every(hasSettled)) return (await this.finish(id)) ? 'done' : AGAIN_MS
      const next = await this.next(id, parts)
      if (next.length > 0) await this.order(id, next)
      else if (!parts.some(({ runId }) => runId === null)) return AGAIN_MS // nothing is left to begin with
      await rest(LOOK_MS)
    }
    return AGAIN_MS
  }

  /** Those that there is room for. One that hangs or waits for its target to come back keeps no other waiting. */
  private async next(id: string, parts: readonly Part[]): Promise<readonly Part[]> {
    const { batchSize } = await findDistribution(this.database.pool, id)
    const taken = parts.filter((part) => part.runId !== null && !hasSettled(part) && part.isFresh).length
    return parts.filter((part) => stateOf(part) === 'queued' && part.runId === null).slice(0, Math.max(0, batchSize - taken))
  }

  private async order(id: string, parts: readonly Part[]): Promise<void> {
    const distribution = await findDistribution(this.database.pool, id)
    await inParallel(parts, parts.length, async (part) => {
      let ready: ReadyOrder
      try {
        ready = await this.ready(distribution, part)
      } catch (error) {
        if (!isBrokerError(error) || error.retryable) throw error
        await this.refuse(part, error)
        return
      }
      await this.database.transaction(async (tx) => {
        await findDistribution(tx, id, 'for update')
        const [still] = await rows(
          tx,
          'select 1 from distribution_parts where distribution_id = $1 and target_id = $2 and run_id is null and problem is null',
          [id, part.targetId],
        )
        if (!still) return
        const run = await ready.write(tx)
        await rows(tx, 'update distribution_parts set run_id = $3 where distribution_id = $1 and target_id = $2', [
          id,
          part.targetId,
          run.id,
        ])
      })
    })
    this.orders.wake()
  }

  /** The private key leaves its seal here and goes under that of the run, from where it goes to its target. */
  private async ready(distribution: Distribution, part: Part): Promise<ReadyOrder> {
    const { id, attempts, reason, undoIfUnverified, sentBy, sourceId } = distribution
    const target = await findTarget(this.database.pool, part.targetId)
    const { action, inputOf } = distributionOf(this.catalog.get(target.plugin))
    const certificate = await findCertificate(this.database.pool, distribution.certificate.id)
    const input = inputOf(target.location, toGo(certificate))
    const key = privateKeyOf(this.sealer, certificate)
    return this.orders.ready({
      integrationId: target.integrationId,
      action,
      input: { ...input, certificate: { ...(input['certificate'] as object), ...(key && { privateKeyPem: key.reveal() }) } },
      reason,
      startedBy: { kind: 'distribution', id },
      // What two people agreed on once goes on when one of them has left.
      ...((sourceId === null || attempts > 1) && { onBehalfOf: sentBy }),
      idempotencyKey: `${id} ${attempts}`,
      undoIfUnverified,
    })
  }

  private async refuse(part: Part, error: BrokerError): Promise<void> {
    await rows(
      this.database.pool,
      'update distribution_parts set problem = $3 where distribution_id = $1 and target_id = $2 and run_id is null',
      [part.distributionId, part.targetId, JSON.stringify(problemOf(error))],
    )
  }

  /** Whether it is over: a person may have said more meanwhile. The sessions that it needed end with it. */
  private async finish(id: string): Promise<boolean> {
    const parts = await this.database.transaction(async (tx) => {
      await findDistribution(tx, id, 'for update')
      const now = await partsOf(tx, [id])
      if (!now.every(hasSettled)) return undefined
      const ended = await rows(
        tx,
        'update distributions set finished_at = now() where id = $1 and finished_at is null returning id',
        [id],
      )
      if (ended.length > 0) {
        const state = stateOfAll(now)
        const targets = Object.fromEntries(now.map((part) => [part.targetId, stateOf(part)]))
        const kind = state === 'done' || state === 'rolled_back' ? 'distribution.finished' : 'distribution.failed'
        await record(tx, { kind, actor: BROKER, subject: id, data: { state, targets } })
      }
      return now
    })
    for (const { integrationId } of parts ?? []) this.connections.drop(integrationId)
    return parts !== undefined
  }
}
