import { Body, Controller, Param, Query } from '@nestjs/common'
import { rotations } from '../contract/endpoints/rotations.ts'
import type {
  ChangedRotation,
  NewRotation,
  RotationDone,
  RotationQuery,
  RotationTurnQuery,
  RunRotation,
} from '../contract/rotations.ts'
import { type Caller, CurrentCaller } from '../identity/callers/caller.ts'
import { Endpoint } from '../platform/http/endpoint.ts'
import { ByHand } from './by-hand.ts'
import { RotationViews } from './rotation-views.ts'
import { Rotations } from './rotations.service.ts'

@Controller()
export class RotationsController {
  constructor(
    private readonly rotations: Rotations,
    private readonly views: RotationViews,
    private readonly byHand: ByHand,
  ) {}

  @Endpoint(rotations.create)
  create(@CurrentCaller() caller: Caller, @Body({ schema: rotations.create.body }) body: NewRotation) {
    return this.rotations.create(caller, body)
  }

  @Endpoint(rotations.list)
  list(@Query({ schema: rotations.list.query }) query: RotationQuery) {
    return this.views.list(query)
  }

  @Endpoint(rotations.due)
  due() {
    return this.views.due()
  }

  @Endpoint(rotations.get)
  get(@Param('id', { schema: rotations.get.params.id }) rotation: string) {
    return this.views.one(rotation)
  }

  @Endpoint(rotations.turns)
  turns(
    @Param('id', { schema: rotations.turns.params.id }) rotation: string,
    @Query({ schema: rotations.turns.query }) query: RotationTurnQuery,
  ) {
    return this.views.turns(rotation, query)
  }

  @Endpoint(rotations.change)
  change(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: rotations.change.params.id }) rotation: string,
    @Body({ schema: rotations.change.body }) body: ChangedRotation,
  ) {
    return this.rotations.change(caller, rotation, body)
  }

  @Endpoint(rotations.remove)
  remove(@CurrentCaller() caller: Caller, @Param('id', { schema: rotations.remove.params.id }) rotation: string) {
    return this.rotations.remove(caller, rotation)
  }

  @Endpoint(rotations.run)
  run(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: rotations.run.params.id }) rotation: string,
    @Body({ schema: rotations.run.body }) body: RunRotation,
  ) {
    return this.byHand.run(caller, rotation, body)
  }

  @Endpoint(rotations.done)
  done(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: rotations.done.params.id }) rotation: string,
    @Body({ schema: rotations.done.body }) { note }: RotationDone,
  ) {
    return this.byHand.done(caller, rotation, note)
  }
}
