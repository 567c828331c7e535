import { randomUUID } from 'node:crypto'
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common'
import type { Counter } from '@opentelemetry/api'
import { grantAccessOf } from '../../actions/action-of.ts'
import type { HeldRun } from '../../actions/action-run.ts'
import { type Call, Calls, shownCalls } from '../../actions/calls.ts'
import { Journal } from '../../actions/journal.ts'
import { isOver } from '../../actions/run-facts.ts'
import { ActionRunner } from '../../actions/runner.ts'
import { mustAnswer } from '../../actions/whereabouts.ts'
import { BROKER, record } from '../../audit/record.ts'
import { type Connection, Connections, mustBeActive } from '../../integrations/connections/connections.ts'
import { Deliveries } from '../../integrations/deliveries.ts'
import { findIntegration } from '../../integrations/integration.ts'
import { each, type Hold, type Outcome, pauseFor, type Work } from '../../platform/due/due-lane.ts'
import { DueWork, enqueue } from '../../platform/due/due-work.ts'
import { problemOf } from '../../platform/http/problem-of.ts'
import { TimeLeft } from '../../platform/pacing/time-left.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { refusalOfDatabase } from '../../platform/postgres/database-errors.ts'
import { Metrics } from '../../platform/watching/metrics.ts'
import { BrokerError, type GrantInput, isBrokerError, type Json, type Step } from '../../sdk/index.ts'
import { endNow } from '../ending/ending.ts'
import { GRANT_WORK, type Grant, grantIdOf, lockGrant, MS_LEFT, runIdOf, selectGrants } from '../grant.ts'
import { GrantNews } from '../news.ts'
import { move } from '../transition.ts'
import { mustBeAsApproved } from './approved-plan.ts'

/** How long a target may refuse, from the first try on, before the grant is given up and cleaned. */
const PATIENCE_SECONDS = 15 * 60

/** What a new grant is made of. */
export interface GrantOrder {
  /** the request's id gives the grant and its run theirs: `req_x`, `grt_x`, `run_x` belong together wherever one is met */
  readonly requestId: string
  readonly integrationId: string
  readonly granteeId: string
  readonly seconds: number
  /** how its credential is handed over */
  readonly delivery: string
  readonly input: GrantInput
}

/** Throws why what a request asked for may not be had any more. */
export type StillAllowed = (tx: Tx, requestId: string) => Promise<void>

interface Claimed {
  readonly grant: Grant
  readonly run: HeldRun
}

/** Gives the access: from an approved request to a grant that can be opened. */
@Injectable()
export class Provisioning implements OnModuleInit {
  private readonly log = new Logger(Provisioning.name)
  private readonly provisioned: Counter
  private readonly failed: Counter
  private stillAllowed: StillAllowed | undefined

  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly journal: Journal,
    private readonly runner: ActionRunner,
    private readonly connections: Connections,
    private readonly deliveries: Deliveries,
    private readonly news: GrantNews,
    metrics: Metrics,
  ) {
    this.provisioned = metrics.counter('latchkey_grants_provisioned_total', 'grants that became usable')
    this.failed = metrics.counter('latchkey_grants_failed_total', 'grants that could not be provisioned')
  }

  onModuleInit(): void {
    this.work.handle('provision', GRANT_WORK.provision, (batch, hold) => each(batch, (work) => this.provision(work, hold)))
    this.work.handle('provision', GRANT_WORK.extend, (batch, hold) => each(batch, (work) => this.extend(work, hold)))
  }

  /** Those who know the rules say whether they still hold: hours may lie between an approval and the moment when access begins. */
  allowedBy(stillAllowed: StillAllowed): void {
    this.stillAllowed = stillAllowed
  }

  /** Puts a grant down in the transaction of its approval. `this.work.wake('provision')` after the commit starts it at once. */
  async order(tx: Tx, order: GrantOrder): Promise<string> {
    const integration = await findIntegration(tx, order.integrationId, 'for share') // nobody removes it meanwhile
    mustBeActive({ integration })
    await this.deliveries.mustAllow(integration, order.delivery)
    const id = grantIdOf(order.requestId)
    const runId = runIdOf(order.requestId)
    await this.journal.open(tx, {
      id: runId,
      integrationId: order.integrationId,
      action: 'grant-access',
      input: order.input as unknown as Json,
      startedBy: { kind: 'person', id: order.granteeId },
    })
    await rows(
      tx,
      `insert into grants (id, request_id, integration_id, grantee_id, run_id, state, delivery, seconds)
       values ($1, $2, $3, $4, $5, 'scheduled', $6, $7)`,
      [id, order.requestId, order.integrationId, order.granteeId, runId, order.delivery, order.seconds],
    )
    await enqueue(tx, [{ lane: 'provision', kind: GRANT_WORK.provision, subject: id, shard: order.integrationId }])
    return id
  }

  private async provision(work: Work, hold: Hold): Promise<Outcome> {
    const claimed = await this.claim(work.subject)
    if (!claimed) return 'done'
    const { grant, run } = claimed
    try {
      await this.runner.execute(run, hold, {
        whenPlanned: (tx, connection, steps) => mustBeAsApproved(tx, grantAccessOf(connection), grant, steps),
        beforeStep: (tx, step) => this.startClock(tx, grant, step),
        whenExecuted: (tx, connection, _, calls) => this.activate(tx, grant, connection, calls),
      })
      this.work.wake('cut')
      this.news.tell([grant.id])
      return 'done'
    } catch (error) {
      return this.afterFailure(claimed, refusalOfDatabase(error) ?? error, work.attempts)
    }
  }

  private claim(id: string): Promise<Claimed | undefined> {
    return this.database.transaction(async (tx) => {
      const grant = await lockGrant(tx, id)
      if (!grant || (grant.state !== 'scheduled' && grant.state !== 'provisioning')) return undefined
      const run = (await this.journal.claim(tx, [grant.runId], ['pending', 'executing'])).get(grant.runId)
      if (!run) return undefined
      if (grant.state === 'scheduled') {
        await move(tx, 'start', [{ id, data: ({ runId }) => ({ run: runId }) }])
      }
      return { grant, run }
    })
  }

  /** The clock starts when access becomes usable, so every attempt starts it again. Whole milliseconds survive the way through JavaScript. */
  private async startClock(tx: Tx, grant: Grant, step: Pick<Step, 'confersPower'>): Promise<TimeLeft> {
    const readAt = performance.now()
    const clock = await row<{ until: Date; msLeft: number }>(
      tx,
      `update grants set begins_at = clock_timestamp(),
         expires_at = date_trunc('milliseconds', clock_timestamp()) + make_interval(secs => seconds)
       where id = $1 and state = 'provisioning' returning expires_at as until, ${MS_LEFT} as "msLeft"`,
      [grant.id],
    )
    if (!clock) throw new BrokerError('run.fenced', `${grant.id} is no longer provisioning`)
    // What confers no power is no access yet, and is taken away again when the step that does is refused. Older steps do not say which they are.
    if (step.confersPower !== false) await this.stillAllowed?.(tx, grant.requestId)
    return new TimeLeft(clock.until, clock.msLeft, readAt)
  }

  private async activate(tx: Tx, grant: Grant, connection: Connection, made: readonly Call[]): Promise<void> {
    const guarantee = grantAccessOf(connection).expiryGuarantee(connection.client, grant.delivery)
    const [active] = await move(tx, 'provisioned', [
      {
        id: grant.id,
        given: { guarantee },
        data: ({ expiresAt, delivery }) => ({
          expiresAt: expiresAt!.toISOString(),
          guarantee,
          delivery,
          calls: shownCalls(made),
        }),
      },
    ])
    if (!active?.expiresAt) throw new BrokerError('run.fenced', `${grant.id} is no longer provisioning`)
    await enqueue(tx, [
      { lane: 'cut', kind: GRANT_WORK.end, subject: grant.id, shard: grant.integrationId, at: active.expiresAt },
    ])
    this.provisioned.add(1)
  }

  private async afterFailure({ grant, run }: Claimed, error: unknown, attempts: number): Promise<Outcome> {
    if (!(error instanceof BrokerError)) this.log.error({ error, grant: grant.id }, 'provisioning met a bug')
    const verdict = await this.database.transaction((tx) => this.judge(tx, { grant, run }, error))
    switch (verdict) {
      case 'try again':
        return pauseFor(attempts, 5_000)
      case 'given up':
        this.failed.add(1)
        this.work.wake('cut')
        return 'done'
      case 'taken over':
        this.log.log({ grant: grant.id }, 'another replica has taken the provisioning over')
        return 'done'
    }
  }

  private async judge(tx: Tx, { grant, run }: Claimed, error: unknown): Promise<'try again' | 'given up' | 'taken over'> {
    const now = await lockGrant(tx, grant.id)
    const ours = await this.journal.stillOurs(tx, [run])
    // Whatever went wrong for us, how the grant goes on is then for others to say.
    if (now?.state !== 'provisioning' || !ours.has(run.id)) {
      await this.recheck(tx, grant)
      return 'taken over'
    }
    if (isBrokerError(error, 'run.fenced')) return 'try again' // we waited too long, and nobody was quicker
    const problem = problemOf(error)
    await rows(tx, 'update grants set error = $2 where id = $1', [grant.id, JSON.stringify(problem)])
    // From the first try on: how long the broker itself was away before is not the target's doing.
    const old = await row(
      tx,
      `select 1 from audit_events where subject = $1 and kind = 'grant.provisioning' and at < clock_timestamp() - make_interval(secs => $2)`,
      [grant.id, PATIENCE_SECONDS],
    )
    // What nobody knows the meaning of may pass as well.
    const mayPass = !(error instanceof BrokerError) || error.retryable
    if (mayPass && !old) return 'try again'
    if (isBrokerError(error, 'access.plan_changed')) {
      await record(tx, { kind: 'grant.plan_changed', actor: BROKER, subject: grant.id, data: { ...problem } })
    }
    await endNow(tx, [grant.id], { reason: 'failed', note: problem.message, failure: problem })
    return 'given up'
  }

  /** We acted for a run that may no longer be ours. If it is being undone, whatever we did after that is undone once more. */
  private async recheck(tx: Tx, grant: Grant): Promise<void> {
    if (!(await isOver(tx, grant.runId))) return
    await enqueue(tx, [{ lane: 'clean', kind: GRANT_WORK.recheck, subject: grant.id, shard: grant.integrationId }])
  }

  private async extend(work: Work, hold: Hold): Promise<Outcome> {
    const [grant] = await selectGrants(this.database.pool, `g.id = $1 and g.state = 'active'`, [work.subject])
    if (!grant?.expiresAt) return 'done'
    const connection = await this.connections.use(grant.integrationId)
    await mustAnswer(this.database.pool, connection, grant.runId)
    const steps = await this.journal.steps(this.database.pool, grant.runId)
    const calls = new Calls('do', randomUUID())
    const context = {
      ...this.runner.context(connection, grant.runId, hold, grant.expiresAt),
      nextCallId: calls.nextId,
      noted: calls.noted,
    }
    try {
      await grantAccessOf(connection).extend(context, steps)
      await this.prolonged(grant, grant.expiresAt, calls.all)
    } finally {
      await this.database.transaction((tx) => this.recheck(tx, grant))
    }
    return 'done'
  }

  private prolonged({ id }: Grant, until: Date, made: readonly Call[]): Promise<void> {
    return this.database.transaction(async (tx) => {
      await rows(tx, `update grants set target_until = $2 where id = $1 and state = 'active'`, [id, until])
      const data = { expiresAt: until.toISOString(), calls: shownCalls(made) }
      if (made.length > 0) await record(tx, { kind: 'grant.prolonged', actor: BROKER, subject: id, data })
    })
  }
}
