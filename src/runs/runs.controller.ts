import { Body, Controller, Param, Query } from '@nestjs/common'
import { runs } from '../contract/endpoints/runs.ts'
import type { NewRun, PreviewRun, RollbackPreview, RunQuery, RunRollback } from '../contract/runs.ts'
import { type Caller, CurrentCaller } from '../identity/callers/caller.ts'
import { Endpoint } from '../platform/http/endpoint.ts'
import { Cancelling } from './cancelling.ts'
import { OfferedActions } from './offered.ts'
import { Orders } from './orders.service.ts'
import { Previews } from './previews.ts'
import { offeredView, RunViews } from './run-views.ts'
import { TakingBack } from './taking-back.ts'

@Controller()
export class RunsController {
  constructor(
    private readonly offered: OfferedActions,
    private readonly previews: Previews,
    private readonly orders: Orders,
    private readonly views: RunViews,
    private readonly cancelling: Cancelling,
    private readonly takingBack: TakingBack,
  ) {}

  @Endpoint(runs.actions)
  async actions(@Param('id', { schema: runs.actions.params.id }) integrationId: string) {
    return { items: (await this.offered.of(integrationId)).map(offeredView) }
  }

  @Endpoint(runs.preview)
  preview(
    @Param('id', { schema: runs.preview.params.id }) integrationId: string,
    @Param('action', { schema: runs.preview.params.action }) action: string,
    @Body({ schema: runs.preview.body }) { input }: PreviewRun,
  ) {
    return this.previews.preview(integrationId, action, input)
  }

  @Endpoint(runs.order)
  order(@CurrentCaller() caller: Caller, @Body({ schema: runs.order.body }) body: NewRun) {
    return this.orders.order(caller, body)
  }

  @Endpoint(runs.list)
  list(@Query({ schema: runs.list.query }) query: RunQuery) {
    return this.views.list(query)
  }

  @Endpoint(runs.get)
  get(@CurrentCaller() caller: Caller, @Param('id', { schema: runs.get.params.id }) run: string) {
    return this.views.get(caller, run)
  }

  @Endpoint(runs.steps)
  steps(@CurrentCaller() caller: Caller, @Param('id', { schema: runs.steps.params.id }) run: string) {
    return this.views.steps(caller, run)
  }

  @Endpoint(runs.receipt)
  receipt(@CurrentCaller() caller: Caller, @Param('id', { schema: runs.receipt.params.id }) run: string) {
    return this.views.receipt(caller, run)
  }

  @Endpoint(runs.cancel)
  cancel(@CurrentCaller() caller: Caller, @Param('id', { schema: runs.cancel.params.id }) run: string) {
    return this.cancelling.cancel(caller, run)
  }

  @Endpoint(runs.rollbackPreview)
  async rollbackPreview(@Param('id', { schema: runs.rollbackPreview.params.id }) run: string): Promise<RollbackPreview> {
    const { isPossible, because, until, restores, warnings } = await this.takingBack.outlook(run)
    return {
      possible: isPossible,
      because: because ?? null,
      until: until ?? null,
      by: this.takingBack.needsTwo ? 'two_admins' : 'admin',
      restores: restores.map(({ target, summary }) => ({ target, summary })),
      warnings: [...warnings],
    }
  }

  @Endpoint(runs.rollBack)
  rollBack(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: runs.rollBack.params.id }) run: string,
    @Body({ schema: runs.rollBack.body }) body: RunRollback,
  ) {
    return this.takingBack.order(caller, run, body)
  }
}
