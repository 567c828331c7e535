import { z } from 'zod'
import { instant, page, pageQuery } from './common.ts'
import { id } from './id.ts'

const PROPOSED = [
  'flow.create',
  'flow.change',
  'integration.create',
  'integration.change',
  'integration.own',
  'integration.remove',
] as const
export type Proposed = (typeof PROPOSED)[number]

export const proposalView = z
  .strictObject({
    id: id('prp'),
    kind: z.enum(PROPOSED),
    subject: z.string().nullable().describe('what would change; null when it would be made'),
    summary: z.unknown().describe('the change itself, without its secrets'),
    proposer: z.strictObject({ id: id('usr'), name: z.string() }),
    state: z.enum(['open', 'accepted', 'declined', 'withdrawn']),
    createdAt: instant,
    decidedAt: instant.nullable(),
    decidedBy: id('usr').nullable(),
  })
  .meta({ id: 'Proposal', description: 'a change that waits for a second pair of eyes' })
export type ProposalView = z.infer<typeof proposalView>
export const proposalPage = page(proposalView).meta({ id: 'ProposalPage' })
export const proposalQuery = z.strictObject({ ...pageQuery, state: proposalView.shape.state.optional() })
export type ProposalQuery = z.infer<typeof proposalQuery>
