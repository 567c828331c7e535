import { Injectable } from '@nestjs/common'
import { z } from 'zod'
import { record } from '../audit/record.ts'
import type { Page } from '../contract/common.ts'
import type { ProposalQuery, ProposalView } from '../contract/proposals.ts'
import { type Caller, isAdmin } from '../identity/caller.ts'
import { type Hands, meet } from '../identity/hands.ts'
import { handsOf } from '../identity/hands-of.ts'
import { Cursors } from '../platform/cursors.ts'
import { Database, row, rows, type Tx } from '../platform/database.ts'
import { BrokerError } from '../sdk/index.ts'
import { FourEyes } from './four-eyes.ts'
import { readProposal, selectProposals } from './proposal.ts'

const LATEST_FIRST = { list: 'proposals', position: z.string() }

/** Changes that wait for a second pair of eyes. */
@Injectable()
export class Proposals {
  constructor(
    private readonly database: Database,
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
    return this.cursors.page(
      LATEST_FIRST,
      found,
      query.limit,
      (proposal) => proposal.id,
      (proposal) => proposal,
    )
  }

  get(id: string): Promise<ProposalView> {
    return readProposal(this.database.pool, id)
  }

  /** Decided first and performed after: of two who accept at once one performs. A change that fails then is open again. */
  async accept(caller: Caller, id: string): Promise<ProposalView> {
    const sealed = await this.decide(caller, id, 'accepted', (proposal, isTheirs) => {
      if (isTheirs) {
        throw new BrokerError(
          'access.self_approval',
          'You cannot accept your own proposal, nor one that was made with a token you created.',
          { fix: 'let somebody else look at it' },
        )
      }
      mustDecide(caller, proposal)
    })
    const { kind, subject, proposer } = await this.get(id)
    try {
      await this.fourEyes.perform(id, kind, subject, sealed, proposer.id)
    } catch (error) {
      await this.reopen(id)
      throw error
    }
    return this.get(id)
  }

  async decline(caller: Caller, id: string): Promise<ProposalView> {
    await this.decide(caller, id, 'declined', (proposal) => mustDecide(caller, proposal))
    return this.get(id)
  }

  async withdraw(caller: Caller, id: string): Promise<ProposalView> {
    await this.decide(caller, id, 'withdrawn', (proposal) => {
      if (proposal.proposer.id !== caller.id) throw new BrokerError('not_found', `there is no proposal ${id} of yours`)
    })
    return this.get(id)
  }

  private decide(
    caller: Caller,
    id: string,
    to: 'accepted' | 'declined' | 'withdrawn',
    check: (proposal: ProposalView, isTheirs: boolean) => void,
  ): Promise<string> {
    return this.database.transaction(async (tx) => {
      const locked = await row<{ body: string; hands: Hands }>(tx, 'select body, hands from proposals where id = $1 for update', [
        id,
      ])
      const proposal = await readProposal(tx, id)
      const hands = await handsOf(tx, caller)
      check(proposal, meet(hands, locked?.hands ?? []))
      if (proposal.state !== 'open') throw new BrokerError('conflict', `the proposal is ${proposal.state} already`)
      await this.move(tx, id, to, { id: caller.id, hands, cameWith: caller.cameWith })
      await record(tx, {
        kind: `proposal.${to}`,
        actor: caller.id,
        subject: id,
        data: { kind: proposal.kind, of: proposal.subject },
      })
      return locked!.body
    })
  }

  private async reopen(id: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      await this.move(tx, id, 'open', null)
      await record(tx, { kind: 'proposal.failed', actor: 'broker', subject: id })
    })
  }

  private async move(
    tx: Tx,
    id: string,
    state: string,
    by: { id: string; hands: Hands; cameWith: string } | null,
  ): Promise<void> {
    await rows(
      tx,
      `update proposals set state = $2, decided_by = $3, decided_hands = $4, decided_with = $5,
         decided_at = case when $3::text is null then null else now() end where id = $1`,
      [id, state, by?.id ?? null, by?.hands ?? null, by?.cameWith ?? null],
    )
  }
}

/** Who may not make a change has no say in whether it is made. */
function mustDecide(caller: Caller, { kind }: ProposalView): void {
  if (kind.startsWith('integration.') && !isAdmin(caller)) {
    throw new BrokerError('auth.forbidden', 'changes of integrations are for admins to decide on')
  }
}
