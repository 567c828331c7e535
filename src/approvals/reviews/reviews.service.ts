import { Injectable } from '@nestjs/common'
import { z } from 'zod'
import { record } from '../../audit/record.ts'
import type { Page } from '../../contract/lists.ts'
import type { RequestKind } from '../../contract/requests.ts'
import type { ReviewQuery, ReviewView } from '../../contract/reviews.ts'
import type { AccessRule } from '../../contract/rules.ts'
import { type Caller, seesAll } from '../../identity/callers/caller.ts'
import { meet } from '../../identity/callers/hands.ts'
import { handsOf } from '../../identity/callers/hands-of.ts'
import { Cursors } from '../../platform/http/cursors.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { Subjects } from '../requests/subjects.ts'
import { Approvers } from '../stages/approvers.ts'

/** Reviews in the order of their ids, latest first. */
const byReview = { list: 'reviews', position: z.string() }

interface ReviewRow {
  readonly id: ReviewView['id']
  readonly requestId: ReviewView['requestId']
  readonly requester: ReviewView['requester']
  readonly reason: string
  readonly openedAt: Date
  readonly closedAt: Date | null
  readonly closedBy: ReviewView['closedBy']
  readonly note: string | null
  readonly kind: RequestKind
  readonly approval: AccessRule['approval']
}

const SELECT = `select e.id, e.request_id as "requestId", jsonb_build_object('id', u.id, 'name', u.name,
    'userName', coalesce(u.user_name, u.sign_in_name), 'email', u.email) as requester,
  q.justification as reason, e.opened_at as "openedAt", e.closed_at as "closedAt", e.closed_by as "closedBy", e.note,
  q.kind, v.rule -> 'approval' as approval
  from emergency_reviews e join access_requests q on q.id = e.request_id
  join access_flow_versions v on v.flow_id = q.flow_id and v.version = q.flow_version join users u on u.id = e.requester_id`

/** Emergencies that somebody other than the requester has to look at. They stay open until somebody has. */
@Injectable()
export class Reviews {
  constructor(
    private readonly database: Database,
    private readonly approvers: Approvers,
    private readonly subjects: Subjects,
    private readonly cursors: Cursors,
  ) {}

  /** Those a flow names are told of what they are to look at; who runs or checks the broker, of all. */
  async list(caller: Caller, query: ReviewQuery): Promise<Page<ReviewView>> {
    const after = this.cursors.read(byReview, query.cursor)
    const found = await rows<ReviewRow>(
      this.database.pool,
      `${SELECT} where ($1::text is null or e.id < $1) and ($2::text is null or (e.closed_at is null) = ($2 = 'open'))
       and ($4 or v.rule #> '{approval,reviewers,users}' ? $5 or v.rule #> '{approval,reviewers,groups}' ?| $6)
       order by e.id desc limit $3`,
      [after ?? null, query.state ?? null, query.limit + 1, seesAll(caller), caller.id, caller.groupIds],
    )
    return this.cursors.page(byReview, found, query.limit, (review) => review.id, view)
  }

  async close(caller: Caller, id: string, note: string): Promise<ReviewView> {
    return this.database.transaction(async (tx) => {
      await row(tx, 'select 1 from emergency_reviews where id = $1 for update', [id])
      const review = await row<ReviewRow>(tx, `${SELECT} where e.id = $1`, [id])
      if (!review) throw noSuchReview(id)
      const hands = await handsOf(tx, caller)
      const approved = { id: review.requestId, state: 'approved', hands: [], extendsGrantId: null } as const
      if (meet(hands, await this.subjects.of(review).users(tx, approved))) {
        throw new BrokerError(
          'access.self_approval',
          'You cannot review your own emergency, nor one that was made or opened with a token you created.',
          { fix: 'ask another person to look at it' },
        )
      }
      await this.mustBeReviewer(tx, caller, review)
      if (review.closedAt) throw new BrokerError('conflict', 'the review is already closed')
      await rows(
        tx,
        `update emergency_reviews set closed_at = now(), closed_by = $2, note = $3, closed_hands = $4, closed_with = $5 where id = $1`,
        [id, caller.id, note, hands, caller.cameWith],
      )
      await record(tx, { kind: 'review.closed', actor: caller.id, subject: review.requestId, data: { review: id, note } })
      return view((await row<ReviewRow>(tx, `${SELECT} where e.id = $1`, [id]))!)
    })
  }

  /** The people the flow names; admins and auditors where it names nobody. */
  private async mustBeReviewer(tx: Tx, caller: Caller, { id, approval }: ReviewRow): Promise<void> {
    const named = approval.kind === 'emergency' ? await this.approvers.named(approval.reviewers, tx) : []
    const may =
      named.length > 0
        ? named.some((person) => person.id === caller.id)
        : caller.roles.some((role) => role === 'admin' || role === 'auditor')
    if (!may) throw noSuchReview(id)
  }
}

const noSuchReview = (id: string) => new BrokerError('not_found', `there is no emergency review ${id} that you may close`)

function view({ kind: _kind, approval: _approval, ...review }: ReviewRow): ReviewView {
  return {
    ...review,
    openedAt: review.openedAt.toISOString(),
    closedAt: review.closedAt?.toISOString() ?? null,
  }
}
