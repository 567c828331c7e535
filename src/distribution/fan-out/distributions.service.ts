import { isDeepStrictEqual } from 'node:util'
import { Injectable, type OnModuleInit } from '@nestjs/common'
import { z } from 'zod'
import { BROKER, record } from '../../audit/record.ts'
import type { ChangeKind } from '../../changes/change-kind.ts'
import { FourEyes } from '../../changes/four-eyes.ts'
import type { Held } from '../../changes/held.ts'
import {
  type DistributionDryRun,
  type DistributionLine,
  type DistributionQuery,
  type DistributionView,
  type DistributionWord,
  type NewDistribution,
  newDistribution,
} from '../../contract/distributions.ts'
import type { Page } from '../../contract/lists.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import { DueWork, enqueue } from '../../platform/due/due-work.ts'
import { Cursors } from '../../platform/http/cursors.ts'
import { newId } from '../../platform/ids.ts'
import { Database, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError, type Json } from '../../sdk/index.ts'
import { findCertificate } from '../certificates/certificate.ts'
import type { Target } from '../targets/target.ts'
import {
  chosenOf,
  findDistribution,
  isLeft,
  lineOf,
  mayBeSentAgain,
  mayBeSentAgainByName,
  mustNeedNoSecond,
  partsOf,
  selectDistributions,
  shownDistribution,
  workOf,
} from './distribution.ts'
import { DryRuns } from './dry-runs.ts'
import { Fitting } from './fitting.ts'
import { LaterOrders } from './later-orders.ts'
import { wishFor } from './wishes.ts'

/** With the version of each target that it was ordered for, and what stood there where somebody else is shown it. */
const orderBody = newDistribution.extend({
  accepted: z.record(z.string(), z.number()),
  shown: z.custom<Pick<DistributionDryRun, 'risk' | 'targets'>>().optional(),
})
type OrderBody = z.infer<typeof orderBody>

const LATEST_FIRST = { list: 'distributions', position: z.string() }

/** Takes a certificate to targets, to where it failed once more, and back. */
@Injectable()
export class Distributions implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly cursors: Cursors,
    private readonly fourEyes: FourEyes,
    private readonly work: DueWork,
    private readonly fitting: Fitting,
    private readonly dryRuns: DryRuns,
    private readonly laterOrders: LaterOrders,
  ) {}

  onModuleInit(): void {
    this.fourEyes.register(this.ordering)
  }

  /** The second admin accepts these targets as they are now, and no others. */
  order(caller: Caller, input: NewDistribution): Promise<DistributionView | Held> {
    return this.fourEyes.once(this.ordering, null, { ...input, accepted: {} }, async () => {
      const fit = await this.fitting.look(input)
      const body = { ...input, accepted: versionsOf(fit.targets) }
      if (!this.fourEyes.areOn) return this.fourEyes.submit(caller, this.ordering, null, body)
      const { risk, targets } = await this.dryRuns.shown(fit)
      return this.fourEyes.submit(caller, this.ordering, null, { ...body, shown: { risk, targets } })
    })
  }

  get(id: string): Promise<DistributionView> {
    return shownDistribution(this.database.pool, id)
  }

  async list({ limit, cursor }: DistributionQuery): Promise<Page<DistributionLine>> {
    const after = this.cursors.read(LATEST_FIRST, cursor)
    const found = await selectDistributions(this.database.pool, '($1::text is null or d.id < $1) order by d.id desc limit $2', [
      after ?? null,
      limit + 1,
    ])
    const parts = await partsOf(
      this.database.pool,
      found.map(({ id }) => id),
    )
    const of = Map.groupBy(parts, ({ distributionId }) => distributionId)
    return this.cursors.page(
      LATEST_FIRST,
      found,
      limit,
      ({ id }) => id,
      (one) => lineOf(one, of.get(one.id) ?? []),
    )
  }

  /** Sends to targets where it is not, and leaves those alone that have it or that a person took it back from. */
  async resume(caller: Caller, id: string, { reason, targetIds }: DistributionWord): Promise<DistributionView> {
    const view = await this.database.transaction(async (tx) => {
      const { certificate } = await findDistribution(tx, id, 'for update')
      const chosen = chosenOf(await partsOf(tx, [id]), targetIds)
      const again = chosen.filter(targetIds ? mayBeSentAgainByName : mayBeSentAgain)
      const left = chosen.find(isLeft)
      if (again.length === 0 && left) {
        throw new BrokerError(
          'conflict',
          `what failed at ${left.name} may have left something there, so it is not sent over that`,
          {
            field: 'targetIds',
            fix: left.isForgotten
              ? 'look at what is there, and name the target here to send over it'
              : 'put the target back first; or name it here, and what was there before can no longer be restored',
          },
        )
      }
      if (again.length === 0) {
        const removed = chosen.find(({ isRemoved }) => isRemoved)
        const why = removed ? `the target ${removed.name} was removed` : 'no target failed'
        throw new BrokerError('conflict', `${why}, so there is nothing to send again`, {
          fix: 'targets that have the certificate, or are being written to, are left alone',
        })
      }
      const targets = again.map(({ targetId }) => targetId)
      const now = await this.fitting.look(
        { certificateId: certificate.id as NewDistribution['certificateId'], targetIds: targets },
        tx,
      )
      const versions = now.targets.map(({ version }) => version)
      const needsTwo = this.fourEyes.areOn
      if (needsTwo) mustNeedNoSecond(again, versions)
      await this.laterOrders.mustMakeWay(tx, id, now, { isNamed: targetIds !== undefined, needsTwo })
      await rows(tx, 'update distributions set attempts = attempts + 1, sent_by = $2, finished_at = null where id = $1', [
        id,
        caller.id,
      ])
      await rows(
        tx,
        `update distribution_parts p set run_id = null, problem = null, target_version = t.version, resumed_at = case when $4 then clock_timestamp() end
         from unnest($2::text[], $3::int[]) as t (id, version) where p.distribution_id = $1 and p.target_id = t.id`,
        [id, targets, versions, targetIds !== undefined],
      )
      await record(tx, { kind: 'distribution.resumed', actor: caller.id, subject: id, data: { reason, targets } })
      await enqueue(tx, [workOf(id)])
      return shownDistribution(tx, id)
    })
    this.work.wake('run')
    return view
  }

  /** Begins with no further target, and stops runs that wait for theirs. */
  async cancel(caller: Caller, id: string, { reason }: { reason: string }): Promise<DistributionView> {
    const view = await this.database.transaction(async (tx) => {
      await findDistribution(tx, id, 'for update')
      const parts = await partsOf(tx, [id])
      const problem = { code: 'run.cancelled', message: 'it was cancelled before anything was sent there' }
      await rows(
        tx,
        'update distribution_parts set problem = $2 where distribution_id = $1 and run_id is null and problem is null',
        [id, JSON.stringify(problem)],
      )
      const open = parts.filter(({ run }) => run === 'pending' || run === 'executing' || run === 'stuck')
      if (open.length === 0 && parts.every(({ runId, problem: why }) => runId !== null || why !== null)) {
        throw new BrokerError('conflict', 'it is over, so nothing can be cancelled', {
          fix: 'roll the distribution back instead',
        })
      }
      const targets = open.map(({ targetId }) => targetId)
      await wishFor(tx, id, targets, { is: 'cancel', by: caller.id, reason })
      if (open.length > 0) await rows(tx, 'update distributions set finished_at = null where id = $1', [id])
      await record(tx, { kind: 'distribution.cancelled', actor: caller.id, subject: id, data: { reason } })
      await enqueue(tx, [workOf(id)])
      return shownDistribution(tx, id)
    })
    this.work.wake('run')
    return view
  }

  private readonly ordering: ChangeKind<OrderBody, DistributionView> = {
    kind: 'distribution.order',
    roles: ['admin'],
    parse: (body) => orderBody.parse(body),
    repeatable: {
      keyOf: ({ idempotencyKey: key, accepted: _versions, shown: _now, ...body }) =>
        key === undefined ? undefined : { key, body },
      idOf: ({ id }) => id,
      find: (id) => this.get(id),
    },
    summary: async (_, input) => {
      const found = await this.fitting.look(input)
      const { reason, batchSize, undoIfUnverified } = input
      const { name, subject, fingerprint } = found.certificate
      const { risk, targets } = input.shown ?? (await this.dryRuns.shown(found))
      return {
        certificate: { name, subject, fingerprint },
        risk,
        targets: targets.map(({ name: target, path, now, summary, problem }) => ({
          name: target,
          path,
          now: now as Json,
          ...(summary !== null && { summary }),
          ...(problem && { problem: problem.message }),
        })),
        reason,
        batchSize,
        undoIfUnverified,
      }
    },
    prepare: async (by, _, input) => {
      const fit = await this.fitting.look(input)
      const { targets } = fit
      const changed = targets.find((target) => input.accepted[target.id] !== target.version)
      if (changed) {
        throw new BrokerError('conflict', `the target ${changed.name} was changed after this was proposed`, {
          fix: 'look at where the target leads now, and order the distribution again',
        })
      }
      if (input.shown) mustStandAsShown(input.shown.targets, (await this.dryRuns.shown(fit)).targets)
      const id = newId('dst')
      return { write: (tx) => this.write(tx, by, id, input), afterwards: () => this.work.wake('run') }
    },
  }

  /** What a source sends by itself, in its own transaction. Throws what stands against it; wake the lane of runs afterwards. */
  async orderFor(
    tx: Tx,
    { source, by }: { readonly source: string; readonly by: string },
    input: NewDistribution,
  ): Promise<string> {
    const { targets } = await this.fitting.look(input, tx)
    return (await this.write(tx, by, newId('dst'), { ...input, accepted: versionsOf(targets) }, source)).id
  }

  private async write(tx: Tx, by: string, id: string, input: OrderBody, source?: string): Promise<DistributionView> {
    const { certificateId, targetIds, reason, batchSize, undoIfUnverified } = input
    const { name, fingerprint } = await findCertificate(tx, certificateId, 'for share')
    await rows(
      tx,
      `insert into distributions (id, certificate_id, reason, batch_size, undo_if_unverified, ordered_by, sent_by, source_id)
       values ($1, $2, $3, $4, $5, $6, $6, $7)`,
      [id, certificateId, reason, batchSize, undoIfUnverified, by, source ?? null],
    )
    await rows(
      tx,
      `insert into distribution_parts (distribution_id, target_id, position, target_version)
       select $1, target, at, version from unnest($2::text[], $3::int[]) with ordinality as t (target, version, at)`,
      [id, targetIds, targetIds.map((target) => input.accepted[target])],
    )
    const data = { certificate: certificateId, name, fingerprint, targets: targetIds, reason, batchSize }
    await record(tx, {
      kind: 'distribution.ordered',
      actor: source ? BROKER : by,
      subject: id,
      data: { ...data, ...(source && { source }) },
    })
    await enqueue(tx, [workOf(id)])
    return shownDistribution(tx, id)
  }
}

function versionsOf(targets: readonly Target[]): Record<string, number> {
  return Object.fromEntries(targets.map(({ id, version }) => [id, version]))
}

/** What was accepted is what is done. Of a target that does not answer nobody says what is there. */
function mustStandAsShown(shown: DistributionDryRun['targets'], now: DistributionDryRun['targets']): void {
  const today = new Map(now.map((target) => [target.id, target.now]))
  const moved = shown.find((target) => {
    const there = today.get(target.id) ?? null
    return target.now !== null && there !== null && !isDeepStrictEqual(there, target.now)
  })
  if (!moved) return
  throw new BrokerError('conflict', `what stands at the target ${moved.name} was changed after this was proposed`, {
    fix: 'look at what is there now (a dry run shows it), and order the distribution again',
  })
}
