import { z } from 'zod'
import { id } from './id.ts'
import { healthReport } from './integrations.ts'
import { page, pageQuery } from './lists.ts'
import { text } from './text.ts'
import { instant } from './time.ts'

const objectName = z
  .string()
  .trim()
  .regex(/^[A-Za-z0-9][A-Za-z0-9 _-]{0,62}$/, {
    error: 'must have 1 to 63 letters, digits, spaces, _ or -, and begin with a letter or a digit',
  })
  .describe('its name; no two have the same, in any case of letters')

const plugin = text({ max: 60 }).describe('id of a plugin in the catalog that distributes certificates')
const version = z.int().positive().optional().describe('version that you read; the call fails if it was changed since')
const fields = z.record(z.string(), z.unknown())

const login = fields.describe('how to log in, as the plugin’s schema says; answers show {"set":true} instead of a secret')
const destinations = z
  .array(fields)
  .min(1)
  .max(100)
  .describe(
    'where its secrets may be sent, and nowhere else, by the plugin’s form: an address, and the CA where it is not a public one',
  )

export const newCredential = z.strictObject({ name: objectName, plugin, login, destinations }).meta({ id: 'NewTargetCredential' })
export type NewCredential = z.infer<typeof newCredential>

export const credentialChange = z
  .strictObject({
    name: objectName.optional(),
    login: login.optional().describe('the whole login; a secret that is left out stays, unless the destinations change'),
    destinations: destinations.optional(),
    version,
  })
  .meta({ id: 'TargetCredentialChange' })
export type CredentialChange = z.infer<typeof credentialChange>

export const credentialView = z
  .strictObject({
    id: id('crd'),
    name: z.string(),
    plugin: z.string(),
    login: z.unknown(),
    destinations: z.array(z.unknown()),
    targets: z.int().describe('how many targets log in with it'),
    version: z.int(),
    createdAt: instant,
    changedAt: instant,
  })
  .meta({ id: 'TargetCredential' })
export type CredentialView = z.infer<typeof credentialView>
export const credentialPage = page(credentialView).meta({ id: 'TargetCredentialPage' })

const location = fields.describe('where certificates go, by the plugin’s form: an address, a path, names of fields, …')

export const newTarget = z
  .strictObject({
    name: objectName,
    credentialId: id('crd'),
    location,
    skipTest: z.boolean().default(false).describe('true: save it even if a check fails'),
  })
  .meta({ id: 'NewTarget' })
export type NewTarget = z.infer<typeof newTarget>

export const targetChange = z
  .strictObject({
    name: objectName.optional(),
    credentialId: id('crd').optional(),
    location: location.optional().describe('the whole location'),
    skipTest: z.boolean().default(false),
    version,
  })
  .meta({ id: 'TargetChange' })
export type TargetChange = z.infer<typeof targetChange>

export const targetTest = z.strictObject({ credentialId: id('crd'), location }).meta({ id: 'TargetTest' })
export type TargetTest = z.infer<typeof targetTest>

export const targetView = z
  .strictObject({
    id: id('tgt'),
    name: z.string(),
    plugin: z.string(),
    credential: z.strictObject({ id: id('crd'), name: z.string() }),
    location: z.unknown(),
    integrationId: id('int').describe('the connection that its runs go through'),
    health: healthReport.nullable(),
    version: z.int(),
    createdAt: instant,
    changedAt: instant,
  })
  .meta({ id: 'Target' })
export type TargetView = z.infer<typeof targetView>
export const targetPage = page(targetView).meta({ id: 'TargetPage' })

export const distributionListQuery = z.strictObject(pageQuery)
export type DistributionListQuery = z.infer<typeof distributionListQuery>
