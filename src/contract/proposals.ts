import { z } from 'zod'
import { id } from './id.ts'
import { page, pageQuery } from './lists.ts'
import { instant } from './time.ts'

const PROPOSED = [
  'flow.create',
  'flow.change',
  'integration.create',
  'integration.change',
  'integration.own',
  'integration.remove',
  'integration.write_off',
  'scim_token.create',
  'scim_token.rotate',
  'run.order',
  'run.roll_back',
  'rotation.create',
  'rotation.change',
  'rotation.remove',
  'certificate_source.create',
  'target_credential.create',
  'target_credential.change',
  'target.create',
  'target.change',
  'distribution.order',
  'distribution.roll_back',
] as const
export type Proposed = (typeof PROPOSED)[number]

export const proposalState = z.enum(['open', 'accepted', 'performed', 'failed', 'declined', 'withdrawn', 'lapsed'])

export const proposalView = z
  .strictObject({
    id: id('prp'),
    kind: z.enum(PROPOSED),
    subject: z.string().nullable().describe('id of what would change; null if it would be made'),
    summary: z.unknown().describe('the change itself, without its secrets'),
    base: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe(
        'what would change, as it was when the change was proposed; null if it would be made. If it has changed since, the proposal cannot be accepted',
      ),
    diff: z
      .array(
        z.strictObject({
          field: z.string().describe('as a path: rule.maxSeconds'),
          before: z.unknown().describe('null where there is nothing'),
          after: z.unknown().describe('null where there would be nothing'),
        }),
      )
      .describe('the differences'),
    proposer: z.strictObject({ id: id('usr'), name: z.string() }),
    state: proposalState.describe('accepted: decided, and about to be carried out'),
    createdAt: instant,
    expiresAt: instant.describe('when it lapses if nobody decides'),
    decidedAt: instant.nullable(),
    decidedBy: id('usr').nullable().describe('null if the broker ended it'),
    performedAt: instant.nullable(),
    problem: z
      .strictObject({ code: z.string(), message: z.string(), fix: z.string().optional() })
      .nullable()
      .describe('why an accepted change could not be made, or why the broker withdrew it'),
  })
  .meta({ id: 'Proposal', description: 'a change that waits for a second person' })
export type ProposalView = z.infer<typeof proposalView>
export const proposalPage = page(proposalView).meta({ id: 'ProposalPage' })
export const proposalQuery = z.strictObject({ ...pageQuery, state: proposalState.optional() })
export type ProposalQuery = z.infer<typeof proposalQuery>
