import { z } from 'zod'
import { slashless, targetFields } from '../config.ts'
import { templateFlaw } from './path-template.ts'

const fieldName = (preset: string, description: string) =>
  z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]{0,99}$/, 'must be letters, digits, `_`, `-` and `.`')
    .default(preset)
    .meta({ title: description })

export const fieldNames = z
  .strictObject({
    certificate: fieldName('certificate', 'The certificate itself'),
    privateKey: fieldName('private_key', 'Its private key'),
    chain: fieldName('chain', 'Its issuers'),
    fullchain: fieldName('fullchain', 'The certificate and its issuers'),
  })
  .refine((names) => new Set(Object.values(names)).size === 4, 'must be four different names')

/** Where a certificate goes: which server, which secret of it, and under which names. */
export const location = z.strictObject({
  ...targetFields,
  mount: slashless('KV mount', 'path of the KV v2 engine').prefault('secret'),
  path: z
    .string()
    .max(512)
    .superRefine((template, context) => {
      const flaw = templateFlaw(template)
      if (flaw) context.addIssue({ code: 'custom', message: flaw })
    })
    .meta({ title: 'Path template', description: 'path below the mount, for example `certs/{{ .cn }}`' }),
  fields: fieldNames.prefault({}).meta({ title: 'Field names' }),
  includePrivateKey: z.boolean().default(true).meta({
    title: 'Private key',
    description: 'true: the private key is written, too; false: only the certificate and its chain',
  }),
})

export type Location = z.infer<typeof location>
