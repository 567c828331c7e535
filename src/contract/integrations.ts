import { z } from 'zod'
import { delivery, guarantee } from './deliveries.ts'
import { page, pageQuery } from './lists.ts'
import { text } from './text.ts'
import { instant } from './time.ts'

const integrationName = z
  .string()
  .trim()
  .regex(/^[A-Za-z0-9][A-Za-z0-9 _-]{0,62}$/, {
    error: 'must have 1 to 63 letters, digits, spaces, _ or -, and begin with a letter or a digit',
  })
  .describe('its name; no two have the same, in any case of letters')

const config = z
  .record(z.string(), z.unknown())
  .describe('as the plugin’s schema in the catalog says; answers show {"set":true} instead of a secret')

const accessDetails = text({ max: 400, min: 0 }).describe('shown to everybody who has access through it')

export const newIntegration = z
  .strictObject({
    name: integrationName,
    plugin: text({ max: 60 }).describe('id of a plugin in the catalog'),
    config,
    accessDetails: accessDetails.optional(),
    skipTest: z.boolean().default(false).describe('true: save it even if a check fails'),
  })
  .meta({ id: 'NewIntegration' })
export type NewIntegration = z.infer<typeof newIntegration>

export const integrationChange = z
  .strictObject({
    name: integrationName.optional(),
    config: config
      .optional()
      .describe('the whole configuration; a secret stays if it is left out or sent back as {"set":true}, and null removes it'),
    accessDetails: accessDetails.nullable().optional(),
    skipTest: z.boolean().default(false),
    version: z
      .int()
      .positive()
      .optional()
      .describe('version of the integration that you read; the call fails if it was changed since'),
  })
  .meta({ id: 'IntegrationChange' })
export type IntegrationChange = z.infer<typeof integrationChange>

export const integrationTest = z.strictObject({ plugin: text({ max: 60 }), config }).meta({ id: 'IntegrationTest' })
export type IntegrationTest = z.infer<typeof integrationTest>

export const healthCheck = z
  .strictObject({
    name: z.string().describe('what was checked; the same name in every run'),
    status: z.enum(['ok', 'warning', 'failed']),
    detail: z.string(),
    fix: z.string().optional().describe('what to do, or the line to add'),
  })
  .meta({ id: 'HealthCheck' })

export const healthReport = z
  .strictObject({ healthy: z.boolean().describe('no check failed'), checks: z.array(healthCheck), at: instant })
  .meta({ id: 'HealthReport' })
export type HealthReport = z.infer<typeof healthReport>

export const integration = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    plugin: z.string(),
    state: z.enum(['active', 'paused']),
    config: z.unknown(),
    accessDetails: z.string().nullable(),
    health: healthReport.nullable(),
    session: z
      .strictObject({ ok: z.boolean(), detail: z.string(), endsAt: instant.optional(), renewedAt: instant.optional() })
      .nullable()
      .describe('state of this replica’s own session with the target; null: none'),
    guarantees: z
      .record(delivery, guarantee)
      .nullable()
      .describe('for each delivery, who ends access on time: the target itself, or only the broker'),
    version: z.int(),
    createdAt: instant,
    changedAt: instant,
  })
  .meta({ id: 'Integration' })
export type IntegrationView = z.infer<typeof integration>

export const integrationPage = page(integration).meta({ id: 'IntegrationPage' })
export const listQuery = z.strictObject({ ...pageQuery })
export type ListQuery = z.infer<typeof listQuery>

export const discoveryRun = z
  .strictObject({
    id: z.string(),
    integrationId: z.string(),
    state: z
      .enum(['running', 'completed', 'incomplete', 'failed'])
      .describe('incomplete: some folder could not be read, so nothing was marked gone'),
    phase: z.enum(['names', 'details']),
    folders: z.int().describe('read so far'),
    found: z.int().describe('resources seen'),
    added: z.int(),
    changed: z.int(),
    gone: z.int(),
    returned: z.int(),
    unreadable: z.array(z.strictObject({ folder: z.string(), reason: z.string() })),
    notices: z.array(z.string()),
    error: z.strictObject({ code: z.string(), message: z.string(), fix: z.string().optional() }).nullable(),
    startedBy: z.string().nullable().describe('null: the broker, by its schedule'),
    startedAt: instant,
    endedAt: instant.nullable(),
  })
  .meta({ id: 'DiscoveryRun' })
export type DiscoveryRunView = z.infer<typeof discoveryRun>

export const discoveryRunPage = page(discoveryRun).meta({ id: 'DiscoveryRunPage' })

/** At most five `key:value`, divided by commas; a comma or backslash in one is written with a backslash before it. */
const tags = text({ max: 4000 }).transform((value, context) => {
  const pairs = (value.match(/(?:\\.|[^\\,])+/g) ?? []).map((part) => part.replace(/\\(.)/g, '$1'))
  const read = pairs.map((pair) => [pair.slice(0, pair.indexOf(':')), pair.slice(pair.indexOf(':') + 1)] as const)
  if (pairs.length > 0 && pairs.length <= 5 && pairs.every((pair) => pair.indexOf(':') > 0)) return Object.fromEntries(read)
  context.addIssue({ code: 'custom', message: 'must be one to five pairs key:value, separated by commas' })
  return z.NEVER
})

/** Each multiplies what the database has to try. */
const MOST_WILDCARDS = 8

export const resourceQuery = z.strictObject({
  ...pageQuery,
  integration: text({ max: 40 }).optional(),
  type: text({ max: 100 }).optional(),
  q: text({ max: 200 }).optional().describe('part of the name, in any case of letters'),
  path: text({ max: 500 })
    .refine((glob) => (glob.match(/\*+/g) ?? []).length <= MOST_WILDCARDS, {
      error: `must have at most ${MOST_WILDCARDS} wildcards`,
    })
    .optional()
    .describe('the whole name; * stands for anything within a segment, ** for anything'),
  tag: tags.optional().describe('up to five pairs key:value, separated by commas; a resource must have all of them'),
  grantable: z.enum(['true', 'false']).optional(),
})
export type ResourceQuery = z.infer<typeof resourceQuery>

export const resource = z
  .strictObject({
    id: z.string(),
    integrationId: z.string(),
    integrationName: z.string(),
    type: z.string(),
    name: z.string(),
    tags: z.record(z.string(), z.string()),
    ungrantable: z.string().nullable().describe('why access to exactly this resource cannot be given'),
  })
  .meta({ id: 'Resource' })
export type ResourceView = z.infer<typeof resource>

export const resourcePage = page(resource).meta({ id: 'ResourcePage' })
