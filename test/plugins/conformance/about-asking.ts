import { expect } from 'vitest'
import { BrokerError, type RunContext, type Step } from '../../../src/sdk/index.ts'
import type { Promised } from './promised.ts'
import { extended, type Trial } from './world.ts'

/** That a plugin acts for a run only while it may. */
export const aboutAsking: readonly Promised[] = [
  {
    says: 'acts for no run that another process has taken over',
    async tried(trial) {
      const { access, world } = trial
      const given = await trial.give()
      const before = await world.snapshot()
      const lose = () => {
        throw new BrokerError('run.fenced', 'another process acts for the run')
      }
      const ctx = { ...given.ctx, stillMine: lose }
      const longer = { ...extended(given, 600).ctx, stillMine: lose }
      await expect(trial.open({ ...given, ctx })).rejects.toMatchObject({ code: 'run.fenced' })
      await expect(access.extend(longer, given.steps)).rejects.toMatchObject({ code: 'run.fenced' })
      for (const step of given.steps) {
        await expect(access.rollback(ctx, step, undefined)).rejects.toMatchObject({ code: 'run.fenced' })
        await expect(access.execute(ctx, step)).rejects.toMatchObject({ code: 'run.fenced' })
      }
      expect(await world.snapshot(), 'nothing is done first and asked afterwards').toEqual(before)
      await trial.takeBack(given)
      for (const step of given.steps) await expect(access.execute(ctx, step)).rejects.toMatchObject({ code: 'run.fenced' })
      expect(await trial.leftOf(given)).toEqual([])
    },
  },
  {
    says: 'asks whose the run is before each request that must not be another’s, and not once before several',
    async tried(trial) {
      const { access } = trial
      await trial.takeBack(await trial.give()) // what a client learns once, it knows from here on
      const ctx: RunContext<unknown> = trial.world.newRun(trial.client, 120)
      const steps = JSON.parse(JSON.stringify(await access.plan(ctx, trial.world.input))) as Step[]
      for (const step of steps) await asking(trial, `execute ${step.kind}`, ctx, (fenced) => access.execute(fenced, step))
      for (const delivery of trial.deliveries) {
        const open = (fenced: RunContext<unknown>) => trial.open({ ctx: fenced, steps }, delivery)
        for (const time of ['first', 'second']) await asking(trial, `open by ${delivery}, the ${time} time`, ctx, open)
      }
      const longer = extended({ ctx, steps }, 600).ctx
      await asking(trial, 'extend', longer, (fenced) => access.extend(fenced, steps))
      for (const step of steps.toReversed()) {
        await asking(trial, `rollback of ${step.kind}`, longer, (fenced) => access.rollback(fenced, step, undefined))
      }
      expect(await trial.leftOf({ ctx, steps })).toEqual([])
    },
  },
]

async function asking(
  { world }: Trial,
  what: string,
  ctx: RunContext<unknown>,
  act: (ctx: RunContext<unknown>) => Promise<unknown>,
): Promise<void> {
  const before = world.requests()
  const made: number[] = []
  await act({ ...ctx, stillMine: () => void made.push(world.requests() - before) })
  // Before the first time it was asked there was none, before the second one at most, and so on.
  expect(
    made.filter((requests, asked) => requests > asked),
    what,
  ).toEqual([])
  expect(world.requests() - before, what).toBeLessThanOrEqual(made.length)
  expect(world.requests() - before, `${what} makes requests that the world counts`).toBeGreaterThan(0)
}
