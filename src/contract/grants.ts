import { z } from 'zod'
import { delivery } from './deliveries.ts'
import { id } from './id.ts'
import { page, pageQuery } from './lists.ts'
import { text } from './text.ts'
import { durationSeconds, instant } from './time.ts'

export const grantState = z
  .enum(['scheduled', 'provisioning', 'active', 'revoking', 'stuck', 'expired', 'revoked', 'failed', 'written_off'])
  .describe('written_off: its system is gone, nothing is proved, and an admin has said that it is not waited for')

const look = z.strictObject({
  asked: z.string().describe('the call, as the target’s audit log names it'),
  observed: z.string().describe('what that call was answered'),
  requestId: z
    .string()
    .nullable()
    .describe('the id of the exchange: the target’s own where its answer brought one, otherwise ours'),
  requestIdBy: z
    .enum(['target', 'broker'])
    .nullable()
    .optional()
    .describe('whose id that is; the target’s own is always in its audit log'),
  correlationId: z.string().nullable().optional().describe('ours, sent with the call as x-correlation-id'),
  at: z.string(),
})

const evidence = look.omit({ asked: true }).extend({
  artefact: z.string(),
  gone: z.boolean().describe('proved absent; false where nobody looked'),
  lookedAt: z.boolean().optional().describe('false: of a grant that was written off; nothing is known of this piece'),
  observed: z.string().describe('by the look that decided; its ids and its time stand here too'),
  looks: z
    .array(look)
    .optional()
    .describe('every look at this piece, each with its own ids; not in receipts of earlier versions'),
  correlationAudited: z
    .boolean()
    .nullable()
    .optional()
    .describe('whether the target’s audit log shows our id; null when the broker may not see that'),
  mayStay: z.string().nullable().optional().describe('why a piece that is not gone confers nothing and was left'),
})

export const writtenOff = z.strictObject({
  by: z.strictObject({ id: id('usr'), name: z.string() }),
  reason: z.string(),
  because: z.string().describe('what the broker saw of the system then'),
  at: instant,
})

export const revocationReceipt = z
  .strictObject({
    grant: id('grt'),
    reason: z.string(),
    endedBy: z.string().nullable(),
    dueAt: instant.nullable(),
    revokingAt: instant.nullable(),
    powerlessAt: instant.nullable(),
    target: z
      .record(z.string(), z.string())
      .nullable()
      .optional()
      .describe('the system that was looked at, as it names itself: a cluster, a namespace'),
    targetRecorded: z
      .boolean()
      .optional()
      .describe(
        'whether it was written down when the access was given, and compared; false for grants made before that was done',
      ),
    writtenOff: writtenOff.nullable().optional().describe('set: this receipt proves nothing, and says who decided that and why'),
    evidence: z.array(evidence),
    beyond: z.array(z.string()).optional().describe('what no end of access reaches, and so no receipt proves'),
    cameBack: z
      .strictObject({ at: instant, target: z.record(z.string(), z.string()), evidence: z.array(evidence) })
      .nullable()
      .optional()
      .describe('of a grant that was written off: its system answered again, and what was found there then'),
  })
  .meta({ id: 'RevocationReceipt' })
export type RevocationReceipt = z.infer<typeof revocationReceipt>

export const grantView = z
  .strictObject({
    id: id('grt'),
    state: grantState,
    requestId: id('req'),
    integrationId: id('int'),
    grantee: z.strictObject({ id: id('usr'), name: z.string() }),
    resources: z.array(
      z.strictObject({ resourceId: id('res'), type: z.string(), name: z.string(), permissions: z.array(z.string()) }),
    ),
    delivery,
    guarantee: z
      .enum(['server', 'broker'])
      .nullable()
      .describe('server: the target itself ends it on time, broker dead or alive; broker: our revocation does'),
    seconds: z.int(),
    beginsAt: instant.nullable(),
    expiresAt: instant.nullable(),
    secondsLeft: z.number(),
    extensions: z.int(),
    endReason: z.string().nullable(),
    endedBy: z.string().nullable(),
    endNote: z.string().nullable(),
    revokingAt: instant.nullable(),
    powerlessAt: instant.nullable(),
    endedAt: instant.nullable(),
    writtenOff: writtenOff.nullable().optional().describe('set: nothing of this grant is proved gone'),
    problem: z
      .strictObject({ code: z.string(), message: z.string(), fix: z.string().optional() })
      .nullable()
      .describe('what stands in the way; of a grant that failed, why it could not be set up'),
    accessDetails: z.string().nullable().describe('what the integration’s owner wants people with access to know'),
    createdAt: instant,
  })
  .meta({ id: 'Grant' })
export type GrantView = z.infer<typeof grantView>
export const grantPage = page(grantView).meta({ id: 'GrantPage' })

export const grantQuery = z.strictObject({
  ...pageQuery,
  state: grantState.optional(),
  live: z.enum(['true', 'false']).optional().describe('true: not over yet'),
  integration: id('int').optional(),
  grantee: id('usr').optional(),
  whose: z.enum(['mine', 'all']).default('mine'),
})
export type GrantQuery = z.infer<typeof grantQuery>

export const grantWait = z.strictObject({
  waitSeconds: z
    .string()
    .regex(/^([0-9]|[12][0-9]|30)$/, { error: 'must be a number from 0 to 30' })
    .transform(Number)
    .default(0)
    .describe('answer when the state is no longer one on the way to another, at the latest after so many seconds'),
})
export type GrantWait = z.infer<typeof grantWait>

export const credentialView = z
  .strictObject({
    grantId: id('grt'),
    delivery,
    fields: z.array(z.strictObject({ name: z.string(), label: z.string(), value: z.string() })),
    prepare: z.array(z.string()).describe('shell commands that make a shell ready; the fields are its variables'),
    usage: z.array(z.string()).describe('shell commands that use it; those that would change something are comments'),
    endsAt: instant,
    collectBy: instant.nullable(),
    accessDetails: z.string().nullable(),
  })
  .meta({ id: 'Credential', description: 'shown once, kept by nobody' })
export type CredentialView = z.infer<typeof credentialView>

export const openingView = z
  .strictObject({
    state: z.enum(['opening', 'delivered', 'collected', 'superseded', 'failed', 'ended']),
    openedAt: instant,
    endsAt: instant.nullable(),
    collectBy: instant.nullable(),
    collectedAt: instant.nullable().describe('when the broker noticed that the delivery was opened'),
  })
  .meta({ id: 'Opening' })

export const stepView = z
  .strictObject({
    kind: z.string(),
    target: z.string(),
    summary: z.string(),
    args: z.unknown(),
    state: z.enum(['planned', 'executing', 'executed', 'undoing', 'undone']),
    changedAt: instant,
  })
  .meta({ id: 'JournaledStep' })

const note = text({ max: 2000 })
export const revokeGrant = z.strictObject({ reason: note }).meta({ id: 'RevokeGrant' })
export const reportGrant = z.strictObject({ note: text({ max: 2000, min: 0 }).default('') }).meta({ id: 'ReportGrant' })
export const extendGrant = z
  .strictObject({ seconds: durationSeconds, justification: text({ max: 2000, min: 0 }).default('') })
  .meta({ id: 'ExtendGrant' })
export type ExtendGrant = z.infer<typeof extendGrant>

export const sweepQuery = z.strictObject({
  confirm: z
    .enum(['true', 'false'])
    .default('false')
    .describe('true: end every altered grant that is found, however many there are'),
})
export type SweepQuery = z.infer<typeof sweepQuery>

export const endAccess = z
  .strictObject({
    confirm: text({ max: 100 }).describe('the name of the integration, typed'),
    reason: note.describe('what the grantees are told'),
  })
  .meta({ id: 'EndAccess' })
export type EndAccess = z.infer<typeof endAccess>
export const endedAccess = z
  .strictObject({
    integrationId: id('int').describe('paused, so that nothing begins through it'),
    grants: z.array(id('grt')).describe('are ending; each has its receipt when it is over'),
  })
  .meta({ id: 'EndedAccess' })
export type EndedAccess = z.infer<typeof endedAccess>

export const writeOff = z
  .strictObject({
    confirm: text({ max: 100 }).describe('the name of the integration, typed'),
    reason: note.describe('why nobody will ever look; the grantees are told, and the receipts say it'),
  })
  .meta({ id: 'WriteOff' })
export type WriteOff = z.infer<typeof writeOff>
export const writtenOffGrants = z
  .strictObject({
    integrationId: id('int'),
    grants: z.array(id('grt')).describe('are over, and nothing of them is proved gone; each has a receipt that says so'),
  })
  .meta({ id: 'WrittenOffGrants' })
export type WrittenOffGrants = z.infer<typeof writtenOffGrants>

export const sweepReport = z
  .strictObject({
    removed: z.array(z.string()).describe('bore our mark, belonged to no grant: removed'),
    foreign: z.array(z.string()).describe('stand where only ours should, and are not ours: left alone'),
    left: z.array(z.string()).describe('ours, but could not be removed; the next sweep tries again'),
    altered: z.array(id('grt')).describe('grants changed in the target by somebody else: being revoked'),
    suspected: z
      .array(id('grt'))
      .describe('the same, but too many at once to be ended unasked: a sweep some minutes later, or with `confirm`, ends them'),
  })
  .meta({ id: 'SweepReport' })
