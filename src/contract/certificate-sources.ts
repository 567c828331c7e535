import { z } from 'zod'
import { variableName } from './certificates.ts'
import { id } from './id.ts'
import { page, pageQuery } from './lists.ts'
import { name, text } from './text.ts'
import { instant } from './time.ts'

const DAY = 86_400

/** Where certificates come from: one that stands in a target, or one that a target issues. */
export const certificateOrigin = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('stored'),
    integrationId: id('int'),
    place: z.record(z.string(), z.unknown()).describe('as the plugin has it: docs/distribution.md'),
    lookEverySeconds: z
      .int()
      .min(60)
      .max(31 * DAY)
      .default(3600)
      .describe('how often it is looked at for a newer one'),
  }),
  z.strictObject({
    kind: z.literal('issued'),
    integrationId: id('int'),
    wish: z.record(z.string(), z.unknown()).describe('as the plugin has it: docs/distribution.md'),
    key: z
      .enum(['rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256', 'ec-p384'])
      .default('rsa-2048')
      .describe('made by the broker, a new one for each certificate; the issuer never sees it'),
    renewDaysBefore: z
      .int()
      .min(1)
      .max(366)
      .default(30)
      .describe('so many days before its end the next one is issued; never before two thirds of its life are over'),
  }),
])
export type CertificateOrigin = z.infer<typeof certificateOrigin>

const chain = z.strictObject({
  targetIds: z
    .array(id('tgt'))
    .min(1)
    .max(1_000)
    .refine((ids) => new Set(ids).size === ids.length, { error: 'must not name a target twice' }),
  batchSize: z.int().min(1).max(25).default(10),
  undoIfUnverified: z.boolean().default(true),
})
export type CertificateChain = z.infer<typeof chain>

export const newCertificateSource = z
  .strictObject({
    name: name().describe('the certificates have it, too'),
    from: certificateOrigin,
    variables: z
      .record(variableName, text({ max: 200 }))
      .default({})
      .describe('for path templates: {{ .variables.… }}'),
    thenDistribute: chain.optional().describe('each new certificate goes to these targets at once'),
  })
  .meta({ id: 'NewCertificateSource' })
export type NewCertificateSource = z.infer<typeof newCertificateSource>

export const certificateSourceView = z
  .strictObject({
    id: id('cso'),
    name: z.string(),
    from: certificateOrigin,
    variables: z.record(z.string(), z.string()),
    thenDistribute: chain.nullable(),
    certificate: z
      .strictObject({ id: id('crt'), fingerprint: z.string(), notAfter: instant })
      .nullable()
      .describe('the current one; null: there is none yet'),
    runId: id('run').nullable().describe('the run that is having one issued'),
    nextAt: instant.nullable().describe('when it is looked at, or renewed, next'),
    problem: z
      .strictObject({ code: z.string(), message: z.string(), fix: z.string().optional() })
      .nullable()
      .describe('what stands in its way; it is tried again'),
    failingSince: instant.nullable(),
    createdAt: instant,
  })
  .meta({ id: 'CertificateSource' })
export type CertificateSourceView = z.infer<typeof certificateSourceView>
export const certificateSourcePage = page(certificateSourceView).meta({ id: 'CertificateSourcePage' })
export const certificateSourceQuery = z.strictObject(pageQuery)
export type CertificateSourceQuery = z.infer<typeof certificateSourceQuery>

export const certificateRenewal = z.strictObject({ reason: text({ max: 2_000 }) }).meta({ id: 'CertificateRenewal' })
export type CertificateRenewal = z.infer<typeof certificateRenewal>
