import { setTimeout as sleep } from 'node:timers/promises'
import { Injectable } from '@nestjs/common'
import { z } from 'zod'
import type { Page } from '../contract/lists.ts'
import type { ProposalQuery, ProposalView } from '../contract/proposals.ts'
import type { Caller } from '../identity/callers/caller.ts'
import { meet } from '../identity/callers/hands.ts'
import { handsOf } from '../identity/callers/hands-of.ts'
import { DueWork, enqueue } from '../platform/due/due-work.ts'
import { Cursors } from '../platform/http/cursors.ts'
import { Database, type Tx } from '../platform/postgres/database.ts'
import { BrokerError } from '../sdk/index.ts'
import { FourEyes, PROPOSAL_WORK } from './four-eyes.ts'
import { lockProposal, type Proposal, readProposal, selectProposals, viewOf } from './proposal.ts'
import { deciders, lostRight, moveProposal } from './proposal-endings.ts'

const LATEST_FIRST = { list: 'proposals', position: z.string() }

/** Who accepts usually sees what came of it; a target that takes longer is looked at by asking again. */
const PATIENCE_MS = 10_000

/** Changes that wait for a second pair of eyes. */
@Injectable()
export class Proposals {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly fourEyes: FourEyes,
    private readonly cursors: Cursors,
  ) {}

  async list(query: ProposalQuery): Promise<Page<ProposalView>> {
    const after = this.cursors.read(LATEST_FIRST, query.cursor)
    const found = await selectProposals(
      this.database.pool,
      '($1::text is null or p.id < $1) and ($2::text is null or p.state = $2) order by p.id desc limit $3',
      [after ?? null, query.state ?? null, query.limit + 1],
    )
    return this.cursors.page(LATEST_FIRST, found, query.limit, (proposal) => proposal.id, viewOf)
  }

  get(id: string): Promise<ProposalView> {
    return readProposal(this.database.pool, id)
  }

  /** Decided here; made by due work, which is put down in the same transaction and outlives this process. */
  async accept(caller: Caller, id: string): Promise<ProposalView> {
    const wasLost = await this.database.transaction(async (tx) => {
      const proposal = await lockProposal(tx, id)
      const by = { ...caller, hands: await handsOf(tx, caller) }
      if (meet(by.hands, proposal.hands)) {
        throw new BrokerError(
          'access.self_approval',
          'You cannot accept your own proposal, nor one that was made with a token you created.',
          { fix: 'ask another person to look at it' },
        )
      }
      mustDecide(caller, proposal)
      if (proposal.state === 'open') {
        const lost = await lostRight(tx, this.fourEyes.rolesByKind(), proposal)
        if (lost) {
          await moveProposal(tx, proposal, 'withdraw', { problem: lost })
          return true
        }
        if (proposal.isLate) throw new BrokerError('conflict', 'the proposal has lapsed', { fix: 'propose the change again' })
        await this.fourEyes.mustNotConcern(tx, by.hands, proposal)
        await this.fourEyes.mustBeUnmoved(tx, proposal)
      }
      await moveProposal(tx, proposal, 'accept', { by })
      await enqueue(tx, [{ lane: 'background', kind: PROPOSAL_WORK.perform, subject: id }])
      return false
    })
    if (wasLost) {
      throw new BrokerError('conflict', 'the proposer was disabled or lost their role: the proposal is withdrawn', {
        fix: 'propose the change yourself',
      })
    }
    this.work.wake('background')
    return this.whenMade(id)
  }

  async decline(caller: Caller, id: string): Promise<ProposalView> {
    return this.end(caller, id, 'decline', (proposal) => mustDecide(caller, proposal))
  }

  async withdraw(caller: Caller, id: string): Promise<ProposalView> {
    return this.end(caller, id, 'withdraw', (proposal) => {
      if (proposal.proposerId !== caller.id) throw new BrokerError('not_found', `there is no proposal ${id} of yours`)
    })
  }

  private end(
    caller: Caller,
    id: string,
    event: 'decline' | 'withdraw',
    check: (proposal: Proposal) => void,
  ): Promise<ProposalView> {
    return this.database.transaction(async (tx: Tx) => {
      const proposal = await lockProposal(tx, id)
      check(proposal)
      await moveProposal(tx, proposal, event, { by: { ...caller, hands: await handsOf(tx, caller) } })
      return readProposal(tx, id)
    })
  }

  private async whenMade(id: string): Promise<ProposalView> {
    const until = performance.now() + PATIENCE_MS
    for (let pause = 5; ; pause = Math.min(200, pause * 1.5)) {
      const proposal = await this.get(id)
      if (proposal.state !== 'accepted' || performance.now() >= until) return proposal
      await sleep(pause)
    }
  }
}

function mustDecide(caller: Caller, proposal: Pick<Proposal, 'kind'>): void {
  if (deciders(proposal.kind).some((role) => caller.roles.includes(role))) return
  throw new BrokerError('auth.forbidden', 'only an admin may accept or decline this change', {
    fix: 'ask an admin to look at it: GET /api/proposals',
  })
}
