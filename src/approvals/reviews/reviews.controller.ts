import { Body, Controller, Param, Query } from '@nestjs/common'
import { reviews } from '../../contract/endpoints/access.ts'
import type { ReviewQuery } from '../../contract/reviews.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Endpoint } from '../../platform/http/endpoint.ts'
import { Reviews } from './reviews.service.ts'

@Controller()
export class ReviewsController {
  constructor(private readonly reviews: Reviews) {}

  @Endpoint(reviews.list)
  list(@CurrentCaller() caller: Caller, @Query({ schema: reviews.list.query }) query: ReviewQuery) {
    return this.reviews.list(caller, query)
  }

  @Endpoint(reviews.close)
  close(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: reviews.close.params.id }) reviewId: string,
    @Body({ schema: reviews.close.body }) { note }: { note: string },
  ) {
    return this.reviews.close(caller, reviewId, note)
  }
}
