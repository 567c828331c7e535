import { z } from 'zod'
import { id } from './id.ts'
import { page, pageQuery } from './lists.ts'
import { idempotencyKey, risk } from './runs.ts'
import { text } from './text.ts'
import { instant } from './time.ts'

const reason = text({ min: 1, max: 2_000 }).describe('why it is done; it is kept in the audit trail')

const targetIds = z
  .array(id('tgt'))
  .min(1)
  .max(1_000)
  .refine((ids) => new Set(ids).size === ids.length, { error: 'must not name a target twice' })

export const newDistribution = z
  .strictObject({
    certificateId: id('crt'),
    targetIds,
    reason,
    batchSize: z.int().min(1).max(25).default(10).describe('how many targets are written to at once'),
    undoIfUnverified: z
      .boolean()
      .default(true)
      .describe('whether a target is restored at once if what is read back is not what was written'),
    idempotencyKey,
  })
  .meta({ id: 'NewDistribution' })
export type NewDistribution = z.infer<typeof newDistribution>

export const newDistributionDryRun = z.strictObject({ certificateId: id('crt'), targetIds }).meta({ id: 'NewDistributionDryRun' })
export type NewDistributionDryRun = z.infer<typeof newDistributionDryRun>

const problem = z.strictObject({ code: z.string(), message: z.string(), fix: z.string().optional() })

/** What a distribution would do, and what stands at each target now. */
export const distributionDryRun = z
  .strictObject({
    certificate: z.strictObject({ id: id('crt'), name: z.string(), fingerprint: z.string() }),
    risk,
    reversible: z.boolean().describe('false where a target that answered could not restore what is there now; `risk` says which'),
    targets: z.array(
      z.strictObject({
        id: id('tgt'),
        name: z.string(),
        path: z.string(),
        now: z
          .unknown()
          .describe('what is there: its version, names of its fields, its certificate; never a value. null: nobody knows'),
        summary: z.string().nullable().describe('what would be written, and what a person should know of it'),
        problem: problem.nullable().describe('why nobody knows what is there, or what stands against it'),
      }),
    ),
  })
  .meta({ id: 'DistributionDryRun' })
export type DistributionDryRun = z.infer<typeof distributionDryRun>

export const partState = z
  .enum(['queued', 'running', 'written', 'verified', 'failed', 'rolling_back', 'rolled_back', 'refused', 'stuck'])
  .describe(
    'written: not read back yet; verified: read back as it was written; refused: it was to be put back and was not, `problem` says why; stuck: a person must look',
  )
export type PartState = z.infer<typeof partState>

export const distributionView = z
  .strictObject({
    id: id('dst'),
    certificate: z.strictObject({ id: id('crt'), name: z.string(), fingerprint: z.string() }),
    reason: z.string(),
    batchSize: z.int(),
    undoIfUnverified: z.boolean(),
    orderedBy: z.strictObject({ id: id('usr'), name: z.string() }),
    state: z
      .enum(['running', 'done', 'partial', 'failed', 'rolled_back', 'rollback_refused'])
      .describe(
        'running: not every target has settled; partial: some hold the certificate and some do not; rollback_refused: some were to be put back and were not',
      ),
    counts: z.record(partState, z.int()),
    targets: z.array(
      z.strictObject({
        id: id('tgt'),
        name: z.string(),
        state: partState,
        removed: z.boolean().describe('the target was removed: nothing is sent there or put back any more'),
        undoable: z
          .boolean()
          .describe(
            'whether there is anything to put back: the certificate is there, or what failed may have left something there',
          ),
        runId: id('run').nullable().describe('the run that did it; its receipt says what was there before and after'),
        problem: z
          .strictObject({ code: z.string(), message: z.string(), fix: z.string().optional() })
          .nullable()
          .describe('what keeps it from going on, or why it failed'),
      }),
    ),
    createdAt: instant,
    finishedAt: instant.nullable(),
  })
  .meta({ id: 'Distribution' })
export type DistributionView = z.infer<typeof distributionView>
export const distributionPage = page(distributionView.omit({ targets: true })).meta({ id: 'DistributionPage' })
export type DistributionLine = Omit<DistributionView, 'targets'>
export const distributionQuery = z.strictObject(pageQuery)
export type DistributionQuery = z.infer<typeof distributionQuery>

export const distributionWord = z
  .strictObject({ reason, targetIds: targetIds.optional().describe('only of these targets; left out: of all') })
  .meta({ id: 'DistributionWord' })
export type DistributionWord = z.infer<typeof distributionWord>

export const distributionRollback = distributionWord.extend({ idempotencyKey }).meta({ id: 'DistributionRollback' })
export type DistributionRollback = z.infer<typeof distributionRollback>

export const distributionCancel = z.strictObject({ reason }).meta({ id: 'DistributionCancel' })

/** Whether each target can be put back as things stand there now. */
export const distributionOutlook = z
  .strictObject({
    items: z.array(
      z.strictObject({
        targetId: id('tgt'),
        name: z.string(),
        possible: z.boolean(),
        because: z.string().nullable().describe('why not, or what is in doubt'),
        until: z.string().nullable().describe('until when it can be undone; then the target itself removes the old value'),
        restores: z.array(z.strictObject({ target: z.string(), summary: z.string() })),
        warnings: z
          .array(z.string())
          .describe(
            'what is to be known of what would come back, for example that its certificate was revoked since, or has expired',
          ),
      }),
    ),
  })
  .meta({ id: 'DistributionOutlook' })
export type DistributionOutlook = z.infer<typeof distributionOutlook>
