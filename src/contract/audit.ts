import { z } from 'zod'
import { id } from './id.ts'
import { page, pageQuery } from './lists.ts'
import { text } from './text.ts'
import { instant } from './time.ts'

const between = {
  from: instant.optional().describe('at this moment or later'),
  to: instant.optional().describe('before this moment'),
}

export const auditQuery = z.strictObject({
  ...pageQuery,
  ...between,
  subject: text({ max: 100 }).optional().describe('id of what it happened to'),
  actor: text({ max: 100 }).optional().describe('id of the person who did it; broker: the broker itself'),
  doneWith: text({ max: 100 }).optional().describe('id of the token or session that was used'),
  kind: z
    .string()
    .regex(/^[a-z_]{1,50}\.[a-z_]{0,50}$/, { error: 'a kind such as grant.revoking, or the beginning of one, such as grant.' })
    .optional(),
})
export type AuditQuery = z.infer<typeof auditQuery>

export const auditEntry = z
  .strictObject({
    seq: z.int().describe('its place in the chain'),
    id: id('aud'),
    at: instant.describe('to the microsecond'),
    kind: z.string(),
    actor: z.string(),
    subject: z.string(),
    doneWith: z
      .string()
      .nullable()
      .describe(
        'the token (tok_, sct_) or session (ses_) of the call, or a digest of the provider’s access token (jwt_); null: no call caused it',
      ),
    makers: z.array(z.string()).nullable().describe('the people who made that token, and the tokens it was made with'),
    address: z.string().nullable().describe('where the call came from, as the trusted proxies say'),
    data: z.unknown(),
    hash: z.string().describe('hash of its link in the chain, in hex'),
  })
  .meta({ id: 'AuditEntry', description: 'newest first, in the order of the commits' })
export type AuditEntry = z.infer<typeof auditEntry>
export const auditPage = page(auditEntry).meta({ id: 'AuditPage' })

export const auditExportQuery = z.strictObject({ ...between, format: z.enum(['jsonl', 'csv']).default('jsonl') })
export type AuditExportQuery = z.infer<typeof auditExportQuery>

export const auditFinding = z
  .strictObject({
    kind: z.enum(['edited', 'deleted', 'inserted', 'reordered', 'head']),
    seq: z.int().describe('the place in the chain; 0 for what has none'),
    eventId: z.string().optional(),
    detail: z.string(),
  })
  .meta({ id: 'AuditFinding' })
export type AuditFinding = z.infer<typeof auditFinding>

export const auditVerdict = z
  .strictObject({
    ok: z.boolean(),
    events: z.int().describe('how many links were followed'),
    head: z.strictObject({ seq: z.int(), hash: z.string() }).describe('where the chain ends: keep it elsewhere, and compare'),
    findings: z.array(auditFinding).describe('at most 100'),
  })
  .meta({ id: 'AuditVerdict' })
export type AuditVerdict = z.infer<typeof auditVerdict>
