import { z } from 'zod'
import { targetCalls } from './calls.ts'
import { id } from './id.ts'
import { page, pageQuery } from './lists.ts'
import { text } from './text.ts'
import { instant } from './time.ts'

export const runState = z
  .enum(['pending', 'executing', 'executed', 'undoing', 'undone', 'failed', 'stuck'])
  .describe(
    'undone: it was undone, and that was read back; failed: it was not done, or not completely, or was undone in part; stuck: it could not be undone yet, and an admin must look',
  )

export const riskLevel = z.enum(['low', 'medium', 'high'])

export const risk = z.strictObject({
  level: riskLevel,
  reasons: z.array(z.string()).describe('the reasons, a sentence each'),
})

const concern = z.strictObject({ type: z.string(), name: z.string() })

export const actionName = text({ max: 60 })

/** An action that an integration allows. */
export const offeredAction = z
  .strictObject({
    name: z.string(),
    title: z.string(),
    description: z.string().nullable(),
    severity: riskLevel.describe('how serious the action is, before looking at what it changes'),
    reversible: z.boolean(),
    irreversible: z.string().optional().describe('why it cannot be undone'),
    input: z.record(z.string(), z.unknown()).describe('JSON Schema of the action’s input; secrets are marked writeOnly'),
  })
  .meta({ id: 'OfferedAction' })
export const offeredActions = z.strictObject({ items: z.array(offeredAction) }).meta({ id: 'OfferedActions' })
export type OfferedAction = z.infer<typeof offeredAction>

const plannedStep = z.strictObject({
  kind: z.string(),
  target: z.string().describe('what it changes'),
  summary: z.string(),
  args: z.unknown(),
  before: z
    .unknown()
    .describe('what is there now: names, lengths, versions, never the value of a secret; null if nothing is shown'),
})

export const previewRun = z
  .strictObject({ input: z.record(z.string(), z.unknown()).describe('as the action’s schema says') })
  .meta({ id: 'PreviewRun' })
export type PreviewRun = z.infer<typeof previewRun>

/** What a run would do, without doing it. */
export const runPreview = z
  .strictObject({
    action: z.string(),
    reversible: z.boolean(),
    irreversible: z.string().optional().describe('why it cannot be undone'),
    risk,
    confirm: z.string().nullable().describe('what `confirm` must say to order it; null: no confirmation needed'),
    concerns: z.array(concern),
    steps: z.array(plannedStep),
  })
  .meta({ id: 'RunPreview' })
export type RunPreview = z.infer<typeof runPreview>

const reason = text({ min: 1, max: 2_000 })

/** Of an order that may be repeated, because an answer may be lost. */
export const idempotencyKey = text({ min: 1, max: 200 })
  .optional()
  .describe(
    'the same key with the same body is the same order, whatever came of it; with another one, or of something else, it is refused',
  )

export const newRun = z
  .strictObject({
    integrationId: id('int'),
    action: actionName,
    input: z.record(z.string(), z.unknown()).describe('as the action’s schema says'),
    reason: reason.describe('why it is done; it is kept in the audit trail'),
    confirm: text({ min: 1, max: 500 }).optional().describe('the confirmation that the preview asks for, typed by a person'),
    idempotencyKey,
  })
  .meta({ id: 'NewRun' })
export type NewRun = z.infer<typeof newRun>

export const runRollback = z.strictObject({ reason, idempotencyKey }).meta({ id: 'RunRollback' })
export type RunRollback = z.infer<typeof runRollback>

const runProblem = z.strictObject({ code: z.string(), message: z.string(), fix: z.string().optional() })

const runEvidence = z.strictObject({
  artefact: z.string(),
  holds: z.boolean().describe('whether the target is as it should be'),
  observed: z.string().describe('what the target answered'),
  requestId: z.string().nullable(),
  requestIdBy: z.enum(['target', 'broker']).nullable(),
  correlationId: z.string().nullable().describe('the broker’s own id, sent with the call'),
  at: z.string(),
})

const readBack = z.strictObject({
  at: instant,
  target: z.record(z.string(), z.string()).nullable().describe('the system that was looked at, as it names itself'),
  evidence: z.array(runEvidence),
  calls: targetCalls.describe('by which it was done, or undone; those that only read are with what was read back'),
})

const person = z.strictObject({ id: id('usr'), name: z.string() })

export const startedBy = z.strictObject({ kind: z.enum(['person', 'schedule', 'run', 'distribution']), id: z.string() })

const failureOf = runProblem
  .nullable()
  .describe('why it failed while it was being done, whatever is undone of it; null: it did not')

export const runView = z
  .strictObject({
    id: id('run'),
    integrationId: id('int'),
    action: z.string(),
    title: z.string(),
    state: runState,
    input: z.unknown().describe('without its secrets'),
    reason: z.string(),
    orderedBy: person.nullable().describe('null: a schedule, another run or a distribution'),
    startedBy,
    reversible: z.boolean().describe('whether the action can be undone'),
    undoable: z
      .boolean()
      .describe('whether there is anything to undo: it was done, or it failed and something of it may be in the target'),
    risk,
    concerns: z.array(concern),
    progress: z.strictObject({ done: z.int(), of: z.int().nullable().describe('null until it is planned') }),
    problem: runProblem
      .nullable()
      .describe('what keeps it from going on, why it failed, or why it was not undone; then `failure` says why it failed'),
    failure: failureOf,
    cancelled: z.strictObject({ by: person, at: instant }).nullable(),
    undo: z
      .strictObject({ by: person.nullable().describe('null: the broker, because it failed'), reason: z.string(), at: instant })
      .nullable()
      .describe('who last ordered it to be undone; `state` and `problem` say what came of it'),
    createdAt: instant,
    doneAt: instant.nullable(),
    undoneAt: instant.nullable(),
  })
  .meta({ id: 'Run' })
export type RunView = z.infer<typeof runView>
export const runPage = page(runView).meta({ id: 'RunPage' })
export const runQuery = z.strictObject({ ...pageQuery, state: runState.optional(), integration: id('int').optional() })
export type RunQuery = z.infer<typeof runQuery>

export const runSteps = z.array(
  plannedStep.extend({
    state: z.enum(['planned', 'executing', 'executed', 'undoing', 'undone']),
    changedAt: instant,
    calls: targetCalls,
  }),
)

/** Whether a run can be taken back as things stand in the target now. */
export const rollbackPreview = z
  .strictObject({
    possible: z.boolean(),
    because: z.string().nullable().describe('why not, or what is in doubt'),
    until: z.string().nullable().describe('until when it can be undone; then the target itself removes the old value'),
    by: z.enum(['admin', 'two_admins']).describe('who may have it undone; two_admins: one orders it, and a second one accepts'),
    restores: z.array(z.strictObject({ target: z.string(), summary: z.string() })),
    warnings: z
      .array(z.string())
      .describe(
        'what is to be known of what would come back, for example that its certificate was revoked since, or has expired',
      ),
  })
  .meta({ id: 'RollbackPreview' })
export type RollbackPreview = z.infer<typeof rollbackPreview>

/** What a run changed, and how that was read back: the counterpart of a grant’s revocation receipt. */
export const changeReceipt = z
  .strictObject({
    run: id('run'),
    action: z.string(),
    integrationId: id('int'),
    state: runState,
    reason: z.string(),
    orderedBy: person.nullable(),
    orderedAt: instant,
    before: z
      .array(z.strictObject({ target: z.string(), summary: z.string(), before: z.unknown() }))
      .describe('for each step: what was there when it was planned'),
    failure: failureOf,
    done: readBack.nullable().describe('what was read back after it was done; null: it was not done'),
    undo: z
      .strictObject({ by: person.nullable().describe('null: the broker, because it failed'), reason: z.string(), at: instant })
      .nullable()
      .describe('who had it undone, or tried to, and why'),
    problem: runProblem.nullable().describe('what keeps it from being done or undone, or why it was not'),
    undone: readBack.nullable().describe('what was read back after it was undone; null: it was not undone'),
    calls: targetCalls.describe('every call that was sent, or meant to be, to change something, whatever came of the run'),
  })
  .meta({ id: 'ChangeReceipt' })
export type ChangeReceipt = z.infer<typeof changeReceipt>
