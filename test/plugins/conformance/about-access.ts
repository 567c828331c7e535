import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import { Secret } from '../../../src/sdk/index.ts'
import type { Promised } from './promised.ts'
import { extended, refusalOf, refused, type Trial } from './world.ts'

/** How somebody gets in, and who does not. */
export const aboutAccess: readonly Promised[] = [
  {
    says: 'lets nobody in by provisioning alone',
    async tried(trial) {
      const given = await trial.give()
      expect(await trial.world.isOpen(given.ctx)).toBe(false)
      const credential = await trial.open(given)
      expect(await trial.world.getsIn(credential)).toBe(true)
      expect(await trial.world.isOpen(given.ctx), 'the world sees who is let in').toBe(true)
      await trial.takeBack(given)
      expect(await trial.world.isOpen(given.ctx)).toBe(false)
    },
  },
  {
    says: 'lets in the one who opens, by each delivery it allows, and cuts what was opened before',
    async tried(trial) {
      const { world, deliveries } = trial
      expect(deliveries.length).toBeGreaterThan(0)
      for (const delivery of deliveries) {
        const given = await trial.give()
        const [first, second] = [await trial.open(given, delivery), await trial.open(given, delivery)]
        for (const credential of [first, second]) {
          expect(credential.delivery).toBe(delivery)
          expect(credential.fields.some(({ value }) => value instanceof Secret)).toBe(true)
          expect(credential.endsAt.getTime()).toBeLessThanOrEqual(given.ctx.until!.getTime())
        }
        expect(await world.getsIn(second), delivery).toBe(true)
        expect(await world.getsIn(first), `${delivery}: a second opening cuts the first`).toBe(false)
        await trial.takeBack(given)
        expect(await world.getsIn(second), delivery).toBe(false)
      }
    },
  },
  {
    says: 'leaves what was opened before to its own end where it is told to',
    async tried(trial) {
      for (const delivery of trial.deliveries) {
        const given = await trial.give()
        const former = await trial.open(given, delivery)
        expect(await trial.world.getsIn(former)).toBe(true)
        const credential = await trial.open(given, delivery, { keepFormer: true })
        expect([await trial.world.getsIn(former), await trial.world.getsIn(credential)], delivery).toEqual([true, true])
        await trial.takeBack(given)
        expect([await trial.world.getsIn(former), await trial.world.getsIn(credential)], delivery).toEqual([false, false])
      }
    },
  },
  {
    says: 'reads back whether the access is there',
    async tried(trial) {
      const given = await trial.give()
      if (!trial.access.verify) return trial.takeBack(given)
      expect((await trial.access.verify(given.ctx, given.steps)).length).toBeGreaterThan(0)
      expect(await trial.wrongWith(given)).toEqual([])
      await trial.open(given)
      expect(await trial.wrongWith(given)).toEqual([])
      await trial.takePower(given)
      expect((await trial.wrongWith(given)).length).toBeGreaterThan(0)
      await trial.takeBack(given)
    },
  },
  {
    says: 'reads back that each piece is gone, and does not say so before',
    async tried(trial) {
      const given = await trial.give()
      if (trial.access.verifyGone) {
        const before = await trial.access.verifyGone(given.ctx, given.steps)
        expect(before.filter(({ holds }) => !holds).length).toBeGreaterThan(0)
      }
      await trial.takeBack(given)
      expect(await trial.leftOf(given)).toEqual([])
      if (trial.access.verifyGone) await findsEachLeft(trial, given.steps.length)
    },
  },
  {
    says: 'tells whether a credential was collected, or that it cannot tell',
    async tried(trial) {
      for (const delivery of trial.deliveries) {
        const given = await trial.give()
        const credential = await trial.open(given, delivery)
        const looks = [await trial.access.inspect(given.ctx, credential.trace)]
        await trial.world.getsIn(credential)
        looks.push(await trial.access.inspect(given.ctx, credential.trace))
        await trial.takeBack(given)
        looks.push(await trial.access.inspect(given.ctx, credential.trace))
        const [before, after, atLast] = looks
        expect(['waiting', 'unknown'], delivery).toContain(before)
        expect(['collected', 'unknown'], delivery).toContain(after)
        expect(['ended', 'collected', 'unknown'], delivery).toContain(atLast)
      }
    },
  },
  {
    says: 'takes the power away with the first step back, and gives it to nobody afterwards',
    async tried(trial) {
      const { world } = trial
      const given = await trial.give()
      const credential = await trial.open(given)
      await trial.takePower(given)
      expect(await world.getsIn(credential)).toBe(false)
      for (const takeBack of [async () => {}, () => trial.takeBack(given)]) {
        await takeBack()
        expect(await trial.open(given).then(world.getsIn, refused)).toBe(false)
        const longer = extended(given, 600)
        await trial.access.extend(longer.ctx, longer.steps).catch(refused)
        expect([await world.getsIn(credential), await world.isOpen(given.ctx)]).toEqual([false, false])
      }
      // Who opens at the very moment of the end may leave a piece without power. It is found by its mark, and taken back as the rest was.
      await trial.takeBack(given)
      expect(await trial.leftOf(given)).toEqual([])
    },
  },
  {
    says: 'brings nothing back by moving the end of what is gone',
    async tried(trial) {
      const before = await trial.world.snapshot()
      const given = await trial.give()
      await trial.open(given)
      await trial.takeBack(given)
      const longer = extended(given, 600)
      await trial.access.extend(longer.ctx, longer.steps).catch(refused)
      expect(await trial.world.snapshot()).toEqual(before)
      expect(await trial.leftOf(longer)).toEqual([])
    },
  },
  {
    says: 'takes one grant back and leaves its neighbour’s alone',
    async tried(trial) {
      const [mine, theirs] = [await trial.give(), await trial.give()]
      await trial.open(mine)
      const credential = await trial.open(theirs)
      await trial.takeBack(mine)
      expect(await trial.world.getsIn(credential)).toBe(true)
      expect(await trial.wrongWith(theirs)).toEqual([])
      await trial.takeBack(theirs)
      expect(await trial.world.getsIn(credential)).toBe(false)
    },
  },
  {
    says: 'makes as many credentials as it hands over, and leaves none',
    async tried(trial) {
      const { world } = trial
      for (const delivery of trial.deliveries) {
        const given = await trial.give()
        expect(await world.waysIn(given.ctx), delivery).toBe(0)
        const ways: number[] = []
        for (const options of [undefined, undefined, { keepFormer: true }]) {
          expect(await world.getsIn(await trial.open(given, delivery, options)), delivery).toBe(true)
          ways.push(await world.waysIn(given.ctx))
        }
        expect(ways, delivery).toEqual([1, 1, 2])
        const longer = extended(given, 600)
        await trial.access.extend(longer.ctx, longer.steps)
        expect(await world.waysIn(given.ctx), delivery).toBe(2)
        await trial.takeBack(longer)
        expect(await world.waysIn(given.ctx), delivery).toBe(0)
      }
    },
  },
]

/** What one step made is there, and all else is not: as where somebody put it back. A step of which nothing is left by itself has nothing to find. */
async function findsEachLeft(trial: Trial, steps: number): Promise<void> {
  for (let kept = 0; steps > 1 && kept < steps; kept += 1) {
    const before = await trial.world.snapshot()
    const given = await trial.give()
    const refusal = await refusalOf(trial.takeBack({ ...given, steps: given.steps.filter((_, at) => at !== kept) }))
    if (refusal === undefined && !isDeepStrictEqual(await trial.world.snapshot(), before))
      expect((await trial.leftOf(given)).length, `${given.steps[kept]?.kind} is still there`).toBeGreaterThan(0)
    await trial.takeBack(given)
  }
}
