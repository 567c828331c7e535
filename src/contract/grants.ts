import { z } from 'zod'
import { targetCalls } from './calls.ts'
import { delivery, guarantee } from './deliveries.ts'
import { id } from './id.ts'
import { page, pageQuery } from './lists.ts'
import { text } from './text.ts'
import { durationSeconds, instant } from './time.ts'

export const grantState = z
  .enum(['scheduled', 'provisioning', 'active', 'revoking', 'stuck', 'expired', 'revoked', 'failed', 'written_off'])
  .describe('written_off: its system is gone, an admin ended the waiting, and nothing is proved')

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
    .describe('whose id it is; an id of the target is always in its audit log'),
  correlationId: z.string().nullable().optional().describe('the broker’s own id, sent with the call as x-correlation-id'),
  at: z.string(),
})

const evidence = look.omit({ asked: true }).extend({
  artefact: z.string(),
  gone: z.boolean().describe('true: proved gone; false: not, or nobody looked'),
  lookedAt: z.boolean().optional().describe('false: the grant was written off, and nothing is known of this piece'),
  observed: z.string().describe('how it was checked last; the ids and time here are those of that check'),
  looks: z
    .array(look)
    .optional()
    .describe('every check of this piece, each with its own ids; not in receipts of earlier versions'),
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
      .describe('the system that was looked at, as it names itself, fact by fact'),
    targetRecorded: z
      .boolean()
      .optional()
      .describe(
        'whether the system was written down when the access was given, and compared; false for grants of earlier versions',
      ),
    writtenOff: writtenOff
      .nullable()
      .optional()
      .describe('set: the grant was written off; the receipt proves nothing and says who decided that and why'),
    evidence: z.array(evidence),
    beyond: z
      .array(z.string())
      .optional()
      .describe('what the grantee keeps after any end of access, and what no receipt can prove'),
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
    guarantee: guarantee
      .nullable()
      .describe('server: the target itself ends it on time, even if the broker is down; broker: the broker ends it'),
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
    writtenOff: writtenOff.nullable().optional().describe('set: the grant was written off, and nothing of it is proved gone'),
    problem: z
      .strictObject({ code: z.string(), message: z.string(), fix: z.string().optional() })
      .nullable()
      .describe('what keeps it from going on; of a failed grant: why it could not be set up'),
    accessDetails: z.string().nullable().describe('what the integration’s admins want people with access to know'),
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
    .describe('wait up to so many seconds for a state that lasts, and then answer'),
})
export type GrantWait = z.infer<typeof grantWait>

export const credentialView = z
  .strictObject({
    grantId: id('grt'),
    delivery,
    fields: z.array(z.strictObject({ name: z.string(), label: z.string(), value: z.string() })),
    prepare: z.array(z.string()).describe('shell commands that set up a shell; they use the fields as variables'),
    usage: z
      .array(z.string())
      .describe('shell commands that use the credential; commands that would change something are comments'),
    endsAt: instant,
    collectBy: instant.nullable(),
    accessDetails: z.string().nullable(),
  })
  .meta({ id: 'Credential', description: 'shown only now, and kept by nobody' })
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
    calls: targetCalls,
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
  confirm: z.enum(['true', 'false']).default('false').describe('true: end every altered grant, however many there are'),
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
    integrationId: id('int').describe('true: the integration is paused, so nothing new begins'),
    grants: z.array(id('grt')).describe('grants that are ending; each has its receipt when it is over'),
  })
  .meta({ id: 'EndedAccess' })
export type EndedAccess = z.infer<typeof endedAccess>

export const writeOff = z
  .strictObject({
    confirm: text({ max: 100 }).describe('the name of the integration, typed'),
    reason: note.describe('why the system can never be checked; grantees and receipts are told'),
  })
  .meta({ id: 'WriteOff' })
export type WriteOff = z.infer<typeof writeOff>
export const writtenOffGrants = z
  .strictObject({
    integrationId: id('int'),
    grants: z
      .array(id('grt'))
      .describe('grants that are over although nothing of them is proved gone; each has a receipt that says so'),
  })
  .meta({ id: 'WrittenOffGrants' })
export type WrittenOffGrants = z.infer<typeof writtenOffGrants>

export const sweepReport = z
  .strictObject({
    removed: z.array(z.string()).describe('made by the broker, but part of no grant: removed'),
    foreign: z.array(z.string()).describe('under the broker’s own names, but not made by it: left alone'),
    left: z.array(z.string()).describe('made by the broker, but could not be removed; the next sweep tries again'),
    altered: z.array(id('grt')).describe('grants that somebody changed in the target: being revoked'),
    suspected: z
      .array(id('grt'))
      .describe(
        'the same, but too many to be ended without asking: another sweep some minutes later, or one with `confirm`, ends them',
      ),
  })
  .meta({ id: 'SweepReport' })
