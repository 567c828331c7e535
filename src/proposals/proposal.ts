import type { ProposalView } from '../contract/proposals.ts'
import { rows, type Tx } from '../platform/database.ts'
import { BrokerError } from '../sdk/index.ts'

interface ProposalRow extends Omit<ProposalView, 'proposer' | 'createdAt' | 'decidedAt'> {
  readonly proposerId: ProposalView['proposer']['id']
  readonly proposerName: string
  readonly createdAt: Date
  readonly decidedAt: Date | null
}

const SELECT = `select p.id, p.kind, p.subject, p.summary, p.proposer_id as "proposerId", u.name as "proposerName", p.state,
  p.created_at as "createdAt", p.decided_at as "decidedAt", p.decided_by as "decidedBy"
  from proposals p join users u on u.id = p.proposer_id`

/** Proposals by a condition on `p`. */
export async function selectProposals(
  tx: Pick<Tx, 'query'>,
  condition: string,
  values: readonly unknown[],
): Promise<ProposalView[]> {
  const found = await rows<ProposalRow>(tx, `${SELECT} where ${condition}`, values)
  return found.map(({ proposerId, proposerName, ...proposal }) => ({
    ...proposal,
    proposer: { id: proposerId, name: proposerName },
    createdAt: proposal.createdAt.toISOString(),
    decidedAt: proposal.decidedAt?.toISOString() ?? null,
  }))
}

export async function readProposal(tx: Pick<Tx, 'query'>, id: string): Promise<ProposalView> {
  const [found] = await selectProposals(tx, 'p.id = $1', [id])
  if (!found) throw new BrokerError('not_found', `there is no proposal ${id}`)
  return found
}
