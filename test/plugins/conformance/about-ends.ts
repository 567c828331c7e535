import { expect, vi } from 'vitest'
import type { Credential } from '../../../src/sdk/index.ts'
import type { Promised } from './promised.ts'
import { extended, type Given, refused, type Trial } from './world.ts'

/** A server may keep whole seconds. */
const ROUNDING_MS = 1_000

/** When the access ends, and who sees to it. */
export const aboutEnds: readonly Promised[] = [
  {
    says: 'has the target end the access at the grant’s end, and says who guarantees it',
    async tried(trial) {
      for (const delivery of trial.deliveries) {
        const given = await trial.give()
        await endsAt(trial, given)
        const credential = await trial.open(given, delivery)
        await endsAt(trial, given)
        expect(credential.endsAt.getTime()).toBeLessThanOrEqual(given.ctx.until!.getTime())
        expect(['server', 'broker']).toContain(trial.access.expiryGuarantee(trial.client, delivery))
        await trial.takeBack(given)
      }
    },
  },
  {
    says: 'lets nobody in after the end, where it says that the target guarantees it',
    async tried(trial) {
      const guaranteed = trial.deliveries.filter((each) => trial.access.expiryGuarantee(trial.client, each) === 'server')
      await Promise.all(
        guaranteed.map(async (delivery) => {
          const { given, credential } = await openedInTime(trial, delivery)
          await vi.waitFor(
            async () => {
              expect(Date.now()).toBeGreaterThan(given.ctx.until!.getTime())
              expect([await trial.world.getsIn(credential), await trial.world.isOpen(given.ctx)], delivery).toEqual([
                false,
                false,
              ])
            },
            { timeout: Math.max(given.ctx.until!.getTime() - Date.now(), 0) + trial.shortestSeconds * 3_000, interval: 100 },
          )
          expect(await trial.open(given, delivery).then(trial.world.getsIn, refused), `${delivery}: opened after the end`).toBe(
            false,
          )
          expect(await trial.world.isOpen(given.ctx), `${delivery}: opened after the end`).toBe(false)
          await trial.takeBack(given)
        }),
      )
    },
  },
  {
    says: 'moves the end when it is told to, and sees whether that was done',
    async tried(trial) {
      const given = await trial.give()
      const longer = extended(given, 600)
      const isEnforced = (await trial.world.endOf(given.ctx)) !== undefined
      if (isEnforced && trial.access.verify) expect((await trial.wrongWith(longer)).length).toBeGreaterThan(0)
      for (const _again of ['once', 'twice']) {
        await trial.access.extend(longer.ctx, longer.steps)
        await endsAt(trial, longer)
        expect(await trial.wrongWith(longer)).toEqual([])
      }
      const credential = await trial.open(longer)
      expect(credential.endsAt.getTime()).toBeGreaterThan(given.ctx.until!.getTime())
      expect(credential.endsAt.getTime()).toBeLessThanOrEqual(longer.ctx.until!.getTime())
      expect(await trial.world.getsIn(credential)).toBe(true)
      await trial.takeBack(longer)
      expect(await trial.world.getsIn(credential)).toBe(false)
    },
  },
]

/** A grant that ends soon, and the credential by which somebody got in before. A busy machine needs longer to come that far, and tries again. */
async function openedInTime(trial: Trial, delivery: string): Promise<{ given: Given; credential: Credential }> {
  for (let seconds = trial.shortestSeconds; ; seconds *= 2) {
    const given = await trial.give(seconds)
    const credential = await trial.open(given, delivery).catch(refused)
    const isIn = credential !== false && (await trial.world.getsIn(credential))
    if (isIn) return { given, credential }
    expect(Date.now(), `${delivery}: lets nobody in before the end`).toBeGreaterThan(given.ctx.until!.getTime())
    await trial.takeBack(given)
    expect(seconds, `${delivery}: has never let anybody in before the end`).toBeLessThan(60)
  }
}

/** Where the target enforces an end, it is this one. */
async function endsAt({ world }: Trial, { ctx }: Given): Promise<void> {
  const end = await world.endOf(ctx)
  if (end) expect(Math.abs(end.getTime() - ctx.until!.getTime())).toBeLessThanOrEqual(ROUNDING_MS)
}
