import type { ProposalView } from '../contract/proposals.ts'
import type { Hands } from '../identity/callers/hands.ts'
import { rows, type Tx } from '../platform/postgres/database.ts'
import { BrokerError, type Json } from '../sdk/index.ts'
import type { Base } from './change-kind.ts'
import { differences } from './diff.ts'
import type { ProposalState } from './proposal-machine.ts'

/** A change that waits, or waited, for a second person, as its row says. */
export interface Proposal {
  readonly id: ProposalView['id']
  readonly kind: ProposalView['kind']
  readonly subject: string | null
  readonly summary: Json
  readonly base: Base | null
  /** sealed; null once nothing is left to be made of it */
  readonly body: string | null
  readonly proposerId: ProposalView['proposer']['id']
  readonly proposerName: string
  /** whose doing it may be that it was proposed */
  readonly hands: Hands
  readonly state: ProposalState
  readonly isLate: boolean
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly decidedAt: Date | null
  readonly decidedBy: ProposalView['decidedBy']
  readonly performedAt: Date | null
  readonly problem: ProposalView['problem']
}

const SELECT = `select p.id, p.kind, p.subject, p.summary, p.base, p.body, p.proposer_id as "proposerId", u.name as "proposerName",
  p.hands, p.state, p.expires_at <= clock_timestamp() as "isLate", p.created_at as "createdAt",
  p.expires_at as "expiresAt", p.decided_at as "decidedAt", p.decided_by as "decidedBy", p.performed_at as "performedAt", p.problem
  from proposals p join users u on u.id = p.proposer_id`

/** Proposals by a condition on `p`. */
export function selectProposals(tx: Tx, condition: string, values: readonly unknown[]): Promise<Proposal[]> {
  return rows(tx, `${SELECT} where ${condition}`, values)
}

/** The proposal, its row locked until the transaction ends. */
export async function lockProposal(tx: Tx, id: string): Promise<Proposal> {
  const [found] = await selectProposals(tx, 'p.id = $1 for update of p', [id])
  if (!found) throw noSuchProposal(id)
  return found
}

export async function readProposal(tx: Tx, id: string): Promise<ProposalView> {
  const [found] = await selectProposals(tx, 'p.id = $1', [id])
  if (!found) throw noSuchProposal(id)
  return viewOf(found)
}

export function viewOf(proposal: Proposal): ProposalView {
  const { id, kind, subject, summary, base, proposerId, proposerName, state, decidedBy, problem } = proposal
  return {
    id,
    kind,
    subject,
    summary,
    base: base?.shown ?? null,
    diff: differences(base?.shown ?? null, summary),
    proposer: { id: proposerId, name: proposerName },
    state,
    createdAt: proposal.createdAt.toISOString(),
    expiresAt: proposal.expiresAt.toISOString(),
    decidedAt: proposal.decidedAt?.toISOString() ?? null,
    decidedBy,
    performedAt: proposal.performedAt?.toISOString() ?? null,
    problem,
  }
}

const noSuchProposal = (id: string) => new BrokerError('not_found', `there is no proposal ${id}`)
