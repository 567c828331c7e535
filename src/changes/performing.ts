import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common'
import { Interval } from '@nestjs/schedule'
import { ROLES_CHANGED } from '../identity/directory/directory-changed.ts'
import { each, type Outcome, pauseFor, type Work } from '../platform/due/due-lane.ts'
import { DueWork, putBackLost } from '../platform/due/due-work.ts'
import { Rounds } from '../platform/due/rounds.ts'
import { problemOf } from '../platform/http/problem-of.ts'
import { Database, type Tx } from '../platform/postgres/database.ts'
import { refusalOfDatabase } from '../platform/postgres/database-errors.ts'
import { BrokerError } from '../sdk/index.ts'
import { FourEyes, PROPOSAL_WORK } from './four-eyes.ts'
import { lockProposal, type Proposal, selectProposals } from './proposal.ts'
import { LOST, lostRight, lostSay, MAY_STILL_PROPOSE, moveProposal } from './proposal-endings.ts'

/** A target that is away for a moment fails no change; one that stays away does. */
const ATTEMPTS = 10
const MOST_AT_ONCE = 100

/** Makes accepted changes, exactly once each, and ends proposals that nobody may accept any more. */
@Injectable()
export class Performing implements OnModuleInit, OnApplicationBootstrap {
  private readonly log = new Logger(Performing.name)
  private readonly rounds = new Rounds(this.log, 'looking after proposals')

  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly fourEyes: FourEyes,
  ) {}

  onModuleInit(): void {
    this.work.handle('background', PROPOSAL_WORK.perform, (batch) => each(batch, (work) => this.perform(work)))
    this.work.handle('background', PROPOSAL_WORK.lapse, (batch) => each(batch, ({ subject }) => this.lapse(subject)))
    this.work.handle('background', ROLES_CHANGED, async () => {
      await this.withdrawLost()
      return new Map()
    })
  }

  onApplicationBootstrap(): Promise<void> {
    return this.tick()
  }

  /** Withdraws what people proposed who may not any more, and does not trust that a row of due work exists. */
  @Interval(5_000)
  tick(): Promise<void> {
    return this.rounds.make(async () => {
      await this.withdrawLost()
      await putBackLost(
        this.database.pool,
        `select 'background' as lane, case state when 'open' then $1 else $2 end as kind, id as subject, '' as shard,
           case state when 'open' then expires_at else now() end as at
         from proposals where state in ('open', 'accepted')`,
        [PROPOSAL_WORK.lapse, PROPOSAL_WORK.perform],
      )
    })
  }

  /** What takes time comes first and is thrown away if we die; the change and the end of the proposal are one transaction. */
  private async perform(work: Work): Promise<Outcome> {
    const [proposal] = await selectProposals(this.database.pool, `p.id = $1 and p.state = 'accepted'`, [work.subject])
    if (!proposal) return 'done'
    try {
      await this.mustStillMay(this.database.pool, proposal)
      const ready = await this.fourEyes.ready(proposal)
      const isMade = await this.database.transaction(async (tx) => {
        const now = await lockProposal(tx, proposal.id)
        if (now.state !== 'accepted') return false
        await this.mustStillMay(tx, now)
        await this.fourEyes.mustBeUnmoved(tx, now)
        await ready.write(tx)
        await moveProposal(tx, now, 'perform', {})
        return true
      })
      if (isMade) ready.afterwards?.()
      return 'done'
    } catch (thrown) {
      const error = refusalOfDatabase(thrown) ?? thrown
      if (!(error instanceof BrokerError)) this.log.error({ error, proposal: proposal.id }, 'making an accepted change met a bug')
      const mayPass = !(error instanceof BrokerError) || error.retryable
      if (mayPass && work.attempts < ATTEMPTS) return pauseFor(work.attempts, 30_000)
      await this.fail(proposal.id, error)
      return 'done'
    }
  }

  private async fail(id: string, error: unknown): Promise<void> {
    await this.database.transaction(async (tx) => {
      const now = await lockProposal(tx, id)
      if (now.state === 'accepted') await moveProposal(tx, now, 'fail', { problem: problemOf(error) })
    })
  }

  private async lapse(id: string): Promise<Outcome> {
    await this.database.transaction(async (tx) => {
      const [proposal] = await selectProposals(tx, `p.id = $1 for update of p`, [id])
      if (proposal?.state === 'open' && proposal.isLate) await moveProposal(tx, proposal, 'lapse', {})
    })
    return 'done'
  }

  private async mustStillMay(tx: Tx, proposal: Proposal): Promise<void> {
    const lost = (await lostRight(tx, this.fourEyes.rolesByKind(), proposal)) ?? (await lostSay(tx, proposal))
    if (lost) throw new BrokerError('auth.forbidden', lost.message, { fix: lost.fix })
  }

  private async withdrawLost(): Promise<void> {
    while ((await this.database.transaction((tx) => this.withdrawSome(tx))) === MOST_AT_ONCE);
  }

  private async withdrawSome(tx: Tx): Promise<number> {
    const left = await selectProposals(
      tx,
      `p.state = 'open' and not (${MAY_STILL_PROPOSE}) order by p.id limit $2 for update of p skip locked`,
      [JSON.stringify(this.fourEyes.rolesByKind()), MOST_AT_ONCE],
    )
    for (const proposal of left) await moveProposal(tx, proposal, 'withdraw', { problem: LOST })
    return left.length
  }
}
