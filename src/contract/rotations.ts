import { z } from 'zod'
import { id } from './id.ts'
import { page, pageQuery } from './lists.ts'
import { timeWindow, timeZone } from './rules.ts'
import { actionName, idempotencyKey, runState } from './runs.ts'
import { name, text } from './text.ts'
import { instant } from './time.ts'

const HOUR = 3600
const DAY = 24 * HOUR
/** Five years: what a person renews by hand may be due as seldom as that. */
const LONGEST = 5 * 366 * DAY

const seconds = (min: number, max: number) =>
  z
    .int({ error: `must be a whole number of seconds from ${min} to ${max}` })
    .min(min, { error: `must be ${min} seconds or more` })
    .max(max, { error: `must be ${max} seconds at most` })

export const schedule = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('every'),
      seconds: seconds(HOUR, LONGEST).describe('between one run and the next; an hour or more'),
    }),
    z.strictObject({
      kind: z.literal('cron'),
      line: text({ max: 200 }).describe('five fields: minute, hour, day of the month, month, day of the week'),
      timeZone,
    }),
  ])
  .describe(
    'by the clocks of its time zone: a time that a change of clocks skips comes as much later, one that comes twice is due the first time',
  )
export type Schedule = z.infer<typeof schedule>

/** What is done when it is due. */
const does = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('run'),
    integrationId: id('int'),
    action: actionName,
    input: z.record(z.string(), z.unknown()).describe('as the action’s schema says; its secrets are sealed'),
    confirm: text({ min: 1, max: 500 })
      .optional()
      .describe('the confirmation that the action’s preview asks for, typed by a person'),
    undoWithinSeconds: seconds(0, 366 * DAY)
      .default(DAY)
      .describe(
        'for how long after a run it must be possible to undo it, or the run is not made; 0: it only must be possible at first',
      ),
    evenIfIrreversible: z.boolean().default(false).describe('true: run the action although it cannot be undone'),
    test: z
      .strictObject({
        webhookId: id('whk'),
        withinSeconds: seconds(10, DAY).default(300),
      })
      .optional()
      .describe('how long the webhook has to answer 2xx after a run; then the run is undone'),
  }),
  z
    .strictObject({ kind: z.literal('remind'), what: text({ max: 2_000 }).describe('what a person is to do') })
    .describe('for what no machine can rotate: people are reminded, and a person marks it as done'),
])
export type Does = z.infer<typeof does>

const body = {
  name: name(),
  does,
  schedule,
  windows: z
    .array(timeWindow)
    .min(1)
    .max(20)
    .optional()
    .describe('when it may run, in any of these windows; left out: at any time'),
  jitterSeconds: seconds(0, DAY)
    .default(0)
    .describe('a random delay of up to so many seconds, so that not everything happens at once'),
  active: z.boolean().default(true),
}

export const newRotation = z.strictObject(body).meta({ id: 'NewRotation' })
export type NewRotation = z.infer<typeof newRotation>

export const changedRotation = z
  .strictObject({
    name: body.name.optional(),
    does: does.optional().describe('the whole value; a secret stays if it is sent back as it was shown'),
    schedule: schedule.optional(),
    windows: z.array(timeWindow).max(20).optional().describe('an empty list: at any time'),
    jitterSeconds: seconds(0, DAY).optional(),
    active: z.boolean().optional(),
    version: z.int().optional().describe('version that you read; the call fails if it was changed since'),
  })
  .meta({ id: 'ChangedRotation' })
export type ChangedRotation = z.infer<typeof changedRotation>

const problem = z.strictObject({ code: z.string(), message: z.string(), fix: z.string().optional() })
const someone = z.strictObject({ id: id('usr'), name: z.string() })

export const turnState = z
  .enum(['waiting', 'done', 'running', 'testing', 'finished', 'undoing', 'undone', 'failed', 'refused'])
  .describe(
    'waiting: for a person; refused: not run; testing: done, but the webhook has not confirmed it yet; undone: it failed, was undone, and that was read back',
  )
export type TurnState = z.infer<typeof turnState>

/** One time that a rotation was due, and what came of it. */
export const rotationTurn = z
  .strictObject({
    id: id('rtn'),
    dueAt: instant,
    state: turnState,
    missed: z
      .int()
      .describe('how many earlier moments passed while no run could be made, a hundred at most; this run makes up for them'),
    askedBy: someone.nullable().describe('the admin who ran it now; null: its schedule'),
    runId: id('run').nullable(),
    runState: runState.nullable().describe('state of the run now; it may have been rolled back since'),
    problem: problem.nullable(),
    doneBy: someone.nullable().describe('the person who did it by hand'),
    note: z.string().nullable(),
    createdAt: instant,
    settledAt: instant.nullable(),
  })
  .meta({ id: 'RotationTurn' })
export type RotationTurn = z.infer<typeof rotationTurn>
export const rotationTurnPage = page(rotationTurn).meta({ id: 'RotationTurnPage' })
export const rotationTurnQuery = z.strictObject(pageQuery)
export type RotationTurnQuery = z.infer<typeof rotationTurnQuery>

export const rotationView = z
  .strictObject({
    id: id('rot'),
    name: z.string(),
    does: does.describe('as it was given, without its secrets'),
    schedule,
    windows: z.array(timeWindow).describe('empty: at any time'),
    jitterSeconds: z.int(),
    active: z.boolean(),
    pausedBecause: z.string().nullable().describe('why the broker paused it; null: it did not'),
    version: z.int(),
    nextAt: instant.nullable().describe('next moment of its schedule; null while it is paused'),
    startsAt: instant.nullable().describe('the same with the random delay'),
    overdueSeconds: z.int().nullable().describe('since when it has been overdue; null: it is not'),
    last: rotationTurn.nullable(),
    createdAt: instant,
    changedAt: instant,
  })
  .meta({ id: 'Rotation' })
export type RotationView = z.infer<typeof rotationView>
export const rotationPage = page(rotationView).meta({ id: 'RotationPage' })
export const rotationQuery = z.strictObject({ ...pageQuery, integration: id('int').optional() })
export type RotationQuery = z.infer<typeof rotationQuery>

/** What is overdue and what comes next, in the order of its moments. */
export const dueRotations = z.strictObject({ items: z.array(rotationView) }).meta({ id: 'DueRotations' })

export const runRotation = z.strictObject({ reason: text({ min: 1, max: 2_000 }), idempotencyKey }).meta({ id: 'RunRotation' })
export type RunRotation = z.infer<typeof runRotation>

export const rotationDone = z.strictObject({ note: text({ max: 2_000 }).optional() }).meta({ id: 'RotationDone' })
export type RotationDone = z.infer<typeof rotationDone>
