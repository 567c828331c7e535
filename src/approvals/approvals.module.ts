import { Module } from '@nestjs/common'
import { IdentityModule } from '../identity/identity.module.ts'
import { Decisions } from './decisions/decisions.service.ts'
import { Undecidable } from './decisions/undecidable.ts'
import { Leavers } from './requests/leavers.ts'
import { Subjects } from './requests/subjects.ts'
import { Submissions } from './requests/submissions.ts'
import { Waiting } from './requests/waiting.ts'
import { ReviewsController } from './reviews/reviews.controller.ts'
import { Reviews } from './reviews/reviews.service.ts'
import { Approvers } from './stages/approvers.ts'

@Module({
  imports: [IdentityModule],
  controllers: [ReviewsController],
  providers: [Approvers, Subjects, Waiting, Submissions, Decisions, Undecidable, Leavers, Reviews],
  exports: [Approvers, Subjects, Waiting, Submissions, Decisions],
})
export class ApprovalsModule {}
