import { Injectable, type OnModuleInit } from '@nestjs/common'
import { z } from 'zod'
import { Journal } from '../actions/journal.ts'
import { record } from '../audit/record.ts'
import type { ChangeKind } from '../changes/change-kind.ts'
import { FourEyes } from '../changes/four-eyes.ts'
import type { Held } from '../changes/held.ts'
import { type NewRun, newRun, type RunView } from '../contract/runs.ts'
import type { Caller } from '../identity/callers/caller.ts'
import { mustBeActive } from '../integrations/connections/connections.ts'
import { findConnected } from '../integrations/integration.ts'
import { DueWork, enqueue } from '../platform/due/due-work.ts'
import { newId } from '../platform/ids.ts'
import { rows, type Tx } from '../platform/postgres/database.ts'
import { Secret } from '../sdk/index.ts'
import { type PlannedStep, RUN_WORK } from './ordered-run.ts'
import { clear, type Meant, mustBeConfirmed, Previews, riskWith } from './previews.ts'
import type { Risk } from './risk.ts'
import { RunViews } from './run-views.ts'

/** With the plan and the risk that a second admin is shown. */
const orderBody = newRun.extend({
  approved: z.array(z.custom<PlannedStep>()).optional(),
  decided: z.custom<Risk>().optional(),
})
type OrderBody = z.infer<typeof orderBody>

/** What is to be done, who or what orders it, and why. */
export interface RunOrder {
  readonly integrationId: string
  readonly action: string
  /** as it was typed; the action's own schema reads it */
  readonly input: unknown
  readonly reason: string
  readonly startedBy: { readonly kind: 'person' | 'schedule' | 'run' | 'distribution'; readonly id: string }
  /** who wanted what started it: it is done as long as they are an admin */
  readonly onBehalfOf?: string
  /** of the approved request that it comes from: its rules are asked again before anything is done */
  readonly requestId?: string
  /** the plan that was approved or accepted: nothing else is done */
  readonly approved?: readonly PlannedStep[] | null | undefined
  /** the risk that was decided on: whether it can be undone this time counts; absent: nobody decided, and the target was not asked */
  readonly risk?: Risk | undefined
  readonly idempotencyKey?: string | undefined
  /** whether it is taken back when what was read back is not what was written; yes unless given */
  readonly undoIfUnverified?: boolean
}

/** An order that was looked at from all sides, ready to be written. */
export interface ReadyOrder {
  readonly meant: Meant
  /** in the caller's transaction; `wake` afterwards starts it at once */
  write(tx: Tx): Promise<{ readonly id: string; readonly isNew: boolean }>
}

/** Has actions done: what an admin orders, at once or after a second person, and what schedules and distributions order. */
@Injectable()
export class Orders implements OnModuleInit {
  constructor(
    private readonly work: DueWork,
    private readonly journal: Journal,
    private readonly previews: Previews,
    private readonly fourEyes: FourEyes,
    private readonly views: RunViews,
  ) {}

  onModuleInit(): void {
    this.fourEyes.register(this.ordering)
  }

  order(caller: Caller, order: NewRun): Promise<RunView | Held> {
    return this.fourEyes.once(this.ordering, null, order, async () => {
      // The second admin accepts this plan and no other.
      if (!this.fourEyes.areOn) return this.fourEyes.submit(caller, this.ordering, null, order)
      const meant = await this.lookAt(order)
      const [approved, forGood] = await Promise.all([this.previews.plan(meant), this.previews.whyForGood(meant)])
      return this.fourEyes.submit(caller, this.ordering, null, { ...order, approved, decided: riskWith(meant, forGood) })
    })
  }

  /** Reads the input, asks for the tags; the target is not asked. Throws what stands against it. */
  async ready(order: RunOrder, tx?: Tx): Promise<ReadyOrder> {
    const road = order.startedBy.kind === 'distribution' ? 'distribution' : 'order'
    const meant = await this.previews.look(order.integrationId, order.action, order.input, tx, road)
    return { meant, write: (tx) => this.write(tx, order, meant) }
  }

  wake(): void {
    this.work.wake('run')
  }

  private readonly ordering: ChangeKind<OrderBody, RunView> = {
    kind: 'run.order',
    roles: ['admin'],
    parse: (body) => orderBody.parse(body),
    repeatable: {
      keyOf: ({ idempotencyKey: key, approved: _plan, decided: _risk, ...body }) =>
        key === undefined ? undefined : { key, body },
      idOf: ({ id }) => id,
      find: (id) => this.views.one(id),
    },
    summary: async (_, order) => {
      const meant = await this.lookAt(order)
      const forGood = await this.previews.whyForGood(meant)
      const risk = order.decided ?? riskWith(meant, forGood)
      const steps = order.approved ?? []
      return {
        integrationId: order.integrationId,
        action: order.action,
        input: clear(meant),
        reason: order.reason,
        risk: { level: risk.level, reasons: [...risk.reasons] },
        ...(forGood !== undefined && { irreversible: forGood }),
        steps: steps.map(({ target, summary, before }) => ({ target, summary, before: before ?? null })),
      }
    },
    prepare: async (by, _, order) => {
      await this.lookAt(order)
      const { integrationId, action, input, reason, idempotencyKey, approved, decided: risk } = order
      const startedBy = { kind: 'person', id: by } as const
      // Apart from the keys of requests and schedules.
      const key = idempotencyKey === undefined ? undefined : `by hand: ${idempotencyKey}`
      const ready = await this.ready({ integrationId, action, input, reason, startedBy, idempotencyKey: key, approved, risk })
      return {
        write: async (tx) => this.views.one((await ready.write(tx)).id, tx),
        afterwards: () => this.wake(),
      }
    },
  }

  private async lookAt(order: NewRun): Promise<Meant> {
    const meant = await this.previews.look(order.integrationId, order.action, order.input)
    mustBeConfirmed(meant, order.confirm)
    return meant
  }

  private async write(tx: Tx, order: RunOrder, meant: Meant): Promise<{ id: string; isNew: boolean }> {
    const integration = await findConnected(tx, order.integrationId, 'for share') // nobody removes it meanwhile
    mustBeActive({ integration })
    const shown = clear(meant)
    const typed = JSON.stringify(order.input)
    const opened = await this.journal.open(tx, {
      id: newId('run'),
      integrationId: order.integrationId,
      action: order.action,
      input: shown,
      // What is stored is read by the schema again when it is planned: so it is what was typed.
      ...(JSON.stringify(shown) === typed ? {} : { secretInput: new Secret(typed) }),
      startedBy: order.startedBy,
      ...(order.idempotencyKey !== undefined && { idempotencyKey: order.idempotencyKey }),
    })
    if (!opened.isNew) return opened
    const risk = order.risk ?? meant.risk
    const person = order.startedBy.kind === 'person' ? order.startedBy.id : null
    await rows(
      tx,
      `insert into ordered_runs (id, integration_id, action, reason, ordered_by, risk, concerns, writes, undo_if_unverified, request_id, approved,
         on_behalf_of)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
      [
        opened.id,
        order.integrationId,
        order.action,
        order.reason,
        person,
        JSON.stringify(risk),
        JSON.stringify(meant.concerns),
        meant.action.writes?.(meant.input) ?? [],
        order.undoIfUnverified ?? true,
        order.requestId ?? null,
        order.approved ? JSON.stringify(order.approved) : null,
        order.onBehalfOf ?? null,
      ],
    )
    await record(tx, {
      kind: 'run.ordered',
      actor: person ?? 'broker',
      subject: opened.id,
      data: {
        integration: order.integrationId,
        action: order.action,
        input: shown,
        reason: order.reason,
        risk: risk.level,
        startedBy: order.startedBy,
      },
    })
    await enqueue(tx, [{ lane: 'run', kind: RUN_WORK.execute, subject: opened.id, shard: order.integrationId }])
    return opened
  }
}
