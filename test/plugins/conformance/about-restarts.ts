import { expect } from 'vitest'
import type { Promised } from './promised.ts'
import { afterRestart, extended, type Given, soon, type Trial } from './world.ts'

/** That nothing hangs on what a client object remembers: a daemon that died, or another replica, goes on with a new one. */
export const aboutRestarts: readonly Promised[] = [
  {
    says: 'goes on after a restart: executes, looks, opens, moves the end and takes back with nothing in memory',
    async tried(trial) {
      const { world, access } = trial
      for (const delivery of trial.deliveries) {
        const before = await world.snapshot()
        const given = await begun(trial)
        const later = <Answer>(work: (trial: Trial, given: Given) => Promise<Answer>, of = given) => afterRestart(trial, of, work)
        expect(await later((one, its) => one.wrongWith(its))).toEqual([])
        if (access.verifyGone) expect((await later((one, its) => one.leftOf(its))).length).toBeGreaterThan(0)
        await isFoundAgain(trial, given)

        const first = await later((one, its) => one.open(its, delivery))
        expect(await world.getsIn(first), delivery).toBe(true)
        const second = await later((one, its) => one.open(its, delivery))
        const inspected = () => later((one, its) => one.access.inspect(its.ctx, second.trace))
        expect(['waiting', 'unknown'], delivery).toContain(await inspected())
        expect([await world.getsIn(second), await world.getsIn(first)], delivery).toEqual([true, false])
        expect(['collected', 'unknown'], delivery).toContain(await inspected())

        const longer = extended(given, 600)
        await later((one, its) => one.access.extend(its.ctx, its.steps), longer)
        expect(await later((one, its) => one.wrongWith(its), longer)).toEqual([])

        await later((one, its) => one.takePower(its), longer)
        expect([await world.getsIn(second), await world.isOpen(given.ctx)], delivery).toEqual([false, false])
        if (access.verify) expect((await later((one, its) => one.wrongWith(its), longer)).length).toBeGreaterThan(0)
        await later((one, its) => one.takeBack(its), longer)
        expect(await later((one, its) => one.leftOf(its), longer)).toEqual([])
        expect(await world.snapshot()).toEqual(before)
      }
    },
  },
]

/** Planned by one client, and each step done by another. */
async function begun(trial: Trial): Promise<Given> {
  const ctx = trial.world.newRun(trial.client, 120)
  const steps = []
  for (const step of await trial.plan(ctx))
    steps.push(await afterRestart(trial, { ctx, steps: [] }, (later, its) => later.execute(its.ctx, step)))
  return { ctx, steps }
}

async function isFoundAgain(trial: Trial, given: Given): Promise<void> {
  await afterRestart(trial, given, async ({ plugin, client }, { ctx: { runId, instance } }) => {
    const standing = await plugin.standsAgain?.(client, { instance, runIds: [runId] }, soon())
    if (standing) expect(standing).toEqual([runId])
  })
  const marked = await afterRestart(trial, given, (later) => later.marked())
  if (trial.plugin.marked) expect(marked.map(({ runId }) => runId)).toContain(given.ctx.runId)
}
