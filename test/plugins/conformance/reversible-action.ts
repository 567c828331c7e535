import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { plugins } from '../../../src/catalog/plugins.ts'
import type { Action, Json, Reversible, RunContext, Step } from '../../../src/sdk/index.ts'
import { misplacedAction } from './in-its-place.ts'

/** Everything the suite needs to try one action on a real target. */
export interface ReversibleSetup<Client, Input, S extends Step> {
  readonly action: Action<Client, Input, S> & Reversible<Client, S>
  readonly input: Input
  /** the context of a run that was never used before */
  newRun(): RunContext<Client>
  /** the target's state, read without the action's help; equal states compare equal */
  snapshot(): Promise<unknown>
  stop(): Promise<void>
}

// biome-ignore lint/suspicious/noExplicitAny: the suite knows neither client nor input nor steps
type AnySetup = ReversibleSetup<any, any, any>

/**
 * What every reversible action promises, tried on a real target: it plans without writing, executes twice as once, and leaves no
 * trace after rollback wherever it stopped.
 */
export const REVERSIBLE: readonly { readonly says: string; readonly tried: (world: AnySetup) => Promise<void> }[] = [
  {
    says: 'plans without writing, and the same each time',
    async tried({ action, input, snapshot, newRun }) {
      const [ctx, before] = [newRun(), await snapshot()]
      const [first, second] = [await action.plan(ctx, input), await action.plan(ctx, input)]
      expect(first.length).toBeGreaterThan(0)
      expect(journaled(second)).toEqual(journaled(first))
      expect(await snapshot()).toEqual(before)
    },
  },
  {
    says: 'has one step that confers power where it gives access, the last it plans, and none elsewhere',
    async tried({ action, input, newRun }) {
      const steps = await action.plan(newRun(), input)
      const conferring = steps.filter((step: Step) => step.confersPower)
      expect(conferring).toEqual('expiryGuarantee' in action ? steps.slice(-1) : [])
    },
  },
  {
    says: 'executes twice as once',
    async tried({ action, input, snapshot, newRun }) {
      const [ctx, before] = [newRun(), await snapshot()]
      const steps = journaled(await action.plan(ctx, input))
      for (const step of steps) await action.execute(ctx, step)
      const once = await snapshot()
      expect(once).not.toEqual(before)
      // As the runner says of a step whose outcome nobody knows.
      const records = await executeAll(action, { ...ctx, again: true }, steps, steps.length)
      expect(await snapshot()).toEqual(once)
      await rollBack(action, ctx, steps, records)
      expect(await snapshot()).toEqual(before)
    },
  },
  {
    says: 'proves what it did, and afterwards that it is gone',
    async tried({ action, input, newRun }) {
      const ctx = newRun()
      const steps = journaled(await action.plan(ctx, input))
      const records = await executeAll(action, ctx, steps, steps.length)
      if (action.verify) expect((await action.verify(ctx, steps)).length).toBeGreaterThan(0)
      expect(await failing(action.verify?.(ctx, steps))).toEqual([])
      expect(action.verifyGone === undefined || (await failing(action.verifyGone(ctx, steps))).length > 0).toBe(true)
      await rollBack(action, ctx, steps, records)
      expect(await failing(action.verifyGone?.(ctx, steps))).toEqual([])
      if (action.verify) expect((await failing(action.verify(ctx, steps))).length).toBeGreaterThan(0)
    },
  },
  {
    says: 'leaves no trace after rollback, wherever it stopped and whatever it could still remember',
    async tried({ action, input, snapshot, newRun }) {
      const before = await snapshot()
      const length = (await action.plan(newRun(), input)).length
      for (let stop = 0; stop <= length; stop += 1) {
        for (const lastRecordLost of stop === 0 ? [false] : [false, true]) {
          const ctx = newRun()
          const steps = journaled(await action.plan(ctx, input))
          const records = await executeAll(action, ctx, steps, stop)
          if (lastRecordLost) records[stop - 1] = undefined
          await rollBack(action, ctx, steps, records)
          expect(await snapshot(), `stopped after ${stop} steps, record lost: ${lastRecordLost}`).toEqual(before)
        }
      }
    },
  },
  {
    says: 'rolls back what is already rolled back',
    async tried({ action, input, snapshot, newRun }) {
      const [ctx, before] = [newRun(), await snapshot()]
      const steps = journaled(await action.plan(ctx, input))
      const records = await executeAll(action, ctx, steps, steps.length)
      await rollBack(action, ctx, steps, records)
      await rollBack(action, ctx, steps, records)
      expect(await snapshot()).toEqual(before)
    },
  },
]

export function describeReversible<Client, Input, S extends Step>(
  name: string,
  setup: () => Promise<ReversibleSetup<Client, Input, S>>,
): void {
  describe(`${name}, as a reversible action`, () => {
    let world: AnySetup

    beforeAll(async () => {
      world = await setup()
    }, 120_000)
    afterAll(async () => {
      await world?.stop()
    })

    it('stands in the file of its name, and is what the catalog has', () => {
      expect(misplacedAction(expect.getState().testPath!, world.action, plugins)).toEqual([])
    })

    it.each(REVERSIBLE)('$says', ({ tried }) => tried(world))
  })
}

async function executeAll(
  action: AnySetup['action'],
  ctx: RunContext<unknown>,
  steps: readonly Step[],
  stop: number,
): Promise<(Json | undefined)[]> {
  const records: (Json | undefined)[] = []
  for (const step of steps.slice(0, stop)) records.push(kept((await action.execute(ctx, step)).record))
  return records
}

/** As the runner does: the last first, and every step, for an unfinished one may have happened. */
async function rollBack(
  action: AnySetup['action'],
  ctx: RunContext<unknown>,
  steps: readonly Step[],
  records: readonly (Json | undefined)[],
): Promise<void> {
  for (let at = steps.length - 1; at >= 0; at -= 1) await action.rollback(ctx, steps[at]!, records[at])
}

function kept(record: Json | undefined): Json | undefined {
  return record === undefined ? undefined : JSON.parse(JSON.stringify(record))
}

/** Steps as they come back from the journal, which keeps what is sealed. */
function journaled(steps: readonly Step[]): Step[] {
  return steps.map((step) => ({ ...JSON.parse(JSON.stringify(step)), ...(step.sealed && { sealed: step.sealed }) }))
}

async function failing(evidence: Promise<{ holds: boolean; artefact: string }[]> | undefined): Promise<string[]> {
  return ((await evidence) ?? []).filter(({ holds }) => !holds).map(({ artefact }) => artefact)
}
