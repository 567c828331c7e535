import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { id } from '../../contract/id.ts'
import { closeReview, type ReviewQuery, reviewPage, reviewQuery, reviewView } from '../../contract/reviews.ts'
import { type Caller, CurrentCaller } from '../../identity/callers/caller.ts'
import { Access } from '../../platform/http/allowed-for.ts'
import { Reviews } from './reviews.service.ts'

@ApiTags('access')
@Controller('api/emergency-reviews')
export class ReviewsController {
  constructor(private readonly reviews: Reviews) {}

  @Get()
  @Access({ scope: 'read', roles: ['admin', 'owner', 'auditor', 'approver'] })
  @ApiOkResponse({ standardSchema: reviewPage })
  list(@CurrentCaller() caller: Caller, @Query({ schema: reviewQuery }) query: ReviewQuery) {
    return this.reviews.list(caller, query)
  }

  @Post(':id/close')
  @HttpCode(200)
  @Access({ scope: 'approve', fresh: true })
  @ApiOkResponse({ standardSchema: reviewView })
  close(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: id('rev') }) reviewId: string,
    @Body({ schema: closeReview }) { note }: { note: string },
  ) {
    return this.reviews.close(caller, reviewId, note)
  }
}
