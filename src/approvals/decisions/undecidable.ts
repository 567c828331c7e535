import { Injectable, Logger, type OnModuleInit } from '@nestjs/common'
import { Interval } from '@nestjs/schedule'
import { BROKER, record } from '../../audit/record.ts'
import { Directory } from '../../identity/directory/directory.ts'
import { DIRECTORY_CHANGED } from '../../identity/directory/directory-changed.ts'
import { DueWork } from '../../platform/due/due-work.ts'
import { Rounds } from '../../platform/due/rounds.ts'
import { Database, rows, type Tx } from '../../platform/postgres/database.ts'
import { readDecisions, voidDecisions } from '../requests/approval.ts'
import { type AccessRequest, escalatedIn, lockRequest, readRequestResources, selectRequests } from '../requests/request.ts'
import { Approvers } from '../stages/approvers.ts'
import { firstUnapprovable } from '../stages/enough-approvers.ts'
import { type Decision, mayDecide } from '../stages/stages.ts'

const AT_ONCE = 100

/** Notices that too few people are left who could approve a request that waits, and that there are enough again. */
@Injectable()
export class Undecidable implements OnModuleInit {
  private readonly rounds = new Rounds(new Logger(Undecidable.name), 'looking for requests nobody can decide on')

  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly approvers: Approvers,
    private readonly directory: Directory,
  ) {}

  onModuleInit(): void {
    this.work.handle('background', DIRECTORY_CHANGED, async () => {
      await this.look()
      return new Map()
    })
  }

  /** For what nobody says: a sign-in's word on groups that is too old, a flow's owner who changed. */
  @Interval(60_000)
  tick(): Promise<void> {
    return this.rounds.make(() => this.look())
  }

  private async look(): Promise<void> {
    for (let last: string | undefined = ''; last !== undefined; ) {
      const waiting: AccessRequest[] = await selectRequests(
        this.database.pool,
        `q.state = 'pending' and q.id > $1 order by q.id limit $2`,
        [last, AT_ONCE],
      )
      for (const request of waiting) {
        if ((await this.lost(this.database.pool, request)).length > 0) await this.void(request.id)
        if (await this.hasTurned(this.database.pool, request)) await this.turn(request.id)
      }
      last = waiting.length === AT_ONCE ? waiting.at(-1)?.id : undefined
    }
  }

  /** Decisions of people who may not decide any more on their stage, be it escalated or not. People of whose state nobody told us lately lose nothing. */
  private async lost(tx: Tx, request: AccessRequest): Promise<Decision[]> {
    const decisions = await readDecisions(tx, request.id)
    if (decisions.length === 0) return []
    const resources = await readRequestResources(tx, request.id)
    const { stages } = await this.approvers.of({ ...request, resources }, () => true, tx)
    const lost = decisions.filter(({ stage, approverId }) => !stages[stage] || !mayDecide(stages[stage], approverId))
    const untold = await this.directory.untold(
      lost.map(({ approverId }) => approverId),
      tx,
    )
    return lost.filter(({ approverId }) => !untold.has(approverId))
  }

  private async void(requestId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const request = await lockRequest(tx, requestId)
      if (request?.state === 'pending') await voidDecisions(tx, requestId, await this.lost(tx, request))
    })
  }

  private async turn(requestId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const request = await lockRequest(tx, requestId)
      if (request?.state !== 'pending' || !(await this.hasTurned(tx, request))) return
      await rows(
        tx,
        `update access_requests set undecidable_since = case when undecidable_since is null then clock_timestamp() end where id = $1`,
        [requestId],
      )
      const kind = request.undecidable ? 'request.decidable' : 'request.undecidable'
      await record(tx, { kind, actor: BROKER, subject: requestId, data: { stage: request.stage } })
    })
  }

  private async hasTurned(tx: Tx, request: AccessRequest): Promise<boolean> {
    const resources = await readRequestResources(tx, request.id)
    const asked = await this.approvers.of({ ...request, resources }, escalatedIn(request), tx)
    return (firstUnapprovable(asked) !== undefined) !== request.undecidable
  }
}
