import { z } from 'zod'
import { id } from './id.ts'
import { page, pageQuery } from './lists.ts'
import { name, text } from './text.ts'
import { instant } from './time.ts'

export const variableName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,62}$/, { error: 'must begin with a letter and have only letters, digits and _' })

export const newCertificate = z
  .strictObject({
    name: name().describe('its name'),
    certificate: text({ max: 200_000 }).optional().describe('PEM; its issuers may follow it, each after the one it issued'),
    chain: text({ max: 200_000 }).optional().describe('PEM: the issuers, if they do not follow the certificate in its own field'),
    privateKey: text({ max: 50_000 })
      .optional()
      .meta({ writeOnly: true, description: 'PEM, not encrypted: PKCS#8, PKCS#1 or SEC1; kept sealed and never shown' }),
    pkcs12: z
      .strictObject({
        file: text({ max: 200_000 }).meta({ writeOnly: true, description: 'base64 of the file (.p12, .pfx)' }),
        password: text({ min: 0, max: 1_000 }).meta({ writeOnly: true, description: 'what it was exported with; kept nowhere' }),
      })
      .optional()
      .describe('certificate, issuers and key in one file, instead of PEM'),
    variables: z
      .record(variableName, text({ max: 200 }))
      .default({})
      .describe('for path templates: {{ .variables.… }}'),
  })
  .refine(({ certificate, pkcs12 }) => (certificate === undefined) !== (pkcs12 === undefined), {
    error: 'give the certificate once: as PEM, or as pkcs12',
    path: ['certificate'],
  })
  .refine(({ pkcs12, chain, privateKey }) => !pkcs12 || (chain === undefined && privateKey === undefined), {
    error: 'is for PEM alone: a PKCS#12 file holds issuers and key itself',
    path: ['pkcs12'],
  })
  .meta({ id: 'NewCertificate' })
export type NewCertificate = z.infer<typeof newCertificate>

export const certificateView = z
  .strictObject({
    id: id('crt'),
    name: z.string(),
    subject: z.string(),
    issuer: z.string(),
    commonName: z.string().nullable(),
    domains: z.array(z.string()),
    serial: z.string(),
    fingerprint: z.string().describe('SHA-256 of the certificate'),
    keyType: z.string().describe('such as rsa 2048, ec prime256v1, ed25519'),
    chain: z.array(z.strictObject({ subject: z.string(), fingerprint: z.string() })).describe('its issuers, in their order'),
    hasPrivateKey: z.boolean(),
    variables: z.record(z.string(), z.string()),
    notBefore: instant,
    notAfter: instant,
    state: z
      .enum(['valid', 'expiring', 'expired', 'revoked'])
      .describe('expiring: within 30 days; revoked: the run that had it issued was rolled back, or is being rolled back'),
    sourceId: id('cso').nullable().describe('where it was pulled from or issued by; null: somebody gave it'),
    runId: id('run').nullable().describe('the run that had it issued: rolling that back revokes it'),
    replacedBy: id('crt').nullable().describe('its successor from the same source'),
    createdAt: instant,
  })
  .meta({ id: 'Certificate' })
export type CertificateView = z.infer<typeof certificateView>
export const certificatePage = page(certificateView).meta({ id: 'CertificatePage' })
export const certificateQuery = z.strictObject(pageQuery)
export type CertificateQuery = z.infer<typeof certificateQuery>
