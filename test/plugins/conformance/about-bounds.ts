import { expect } from 'vitest'
import type { Promised } from './promised.ts'
import { extended } from './world.ts'

/** The clocks of a target and of a test may differ by so much. */
const CLOCKS_MS = 60_000

/** That nothing more is done than was asked for, and that what is done is said. */
export const aboutBounds: readonly Promised[] = [
  {
    says: 'opens what was asked for, and nothing else',
    async tried(trial) {
      const { beyond } = trial.world
      expect(beyond.length).toBeGreaterThan(0)
      for (const { input, getsIn } of beyond) {
        const asked = await trial.give(120, input)
        expect(await getsIn(await trial.open(asked)), 'the world sees who is let in there').toBe(true)
        await trial.takeBack(asked)
      }
      for (const delivery of trial.deliveries) {
        const given = await trial.give()
        const longer = extended(given, 600)
        for (const moved of [async () => {}, () => trial.access.extend(longer.ctx, longer.steps)]) {
          await moved()
          const credential = await trial.open(longer, delivery)
          expect(await trial.world.getsIn(credential), delivery).toBe(true)
          for (const { input, getsIn } of beyond) expect(await getsIn(credential), named(input)).toBe(false)
        }
        await trial.takeBack(longer)
      }
    },
  },
  {
    says: 'opens nothing by looking, nor by moving the end',
    async tried(trial) {
      const { access, world } = trial
      const given = await trial.give()
      const before = await world.snapshot()
      for (const look of [access.verify, access.verifyGone]) await look?.call(access, given.ctx, given.steps)
      await trial.marked()
      expect(await world.snapshot(), 'a look writes nothing').toEqual(before)
      const longer = extended(given, 600)
      await access.extend(longer.ctx, longer.steps)
      expect(await world.isOpen(given.ctx)).toBe(false)
      await trial.takeBack(longer)
    },
  },
  {
    says: 'says what each step does and to what, and what it saw of each piece and when',
    async tried(trial) {
      const begun = Date.now()
      const given = await trial.give()
      for (const { kind, target, summary } of given.steps) expect([kind, target, summary].every(isSaid), kind).toBe(true)
      const evidence = [...((await trial.access.verify?.(given.ctx, given.steps)) ?? [])]
      await trial.takeBack(given)
      evidence.push(...((await trial.access.verifyGone?.(given.ctx, given.steps)) ?? []))
      for (const { artefact, observed, at } of evidence) {
        expect([artefact, observed].every(isSaid), artefact).toBe(true)
        expect(Date.parse(at), artefact).toBeGreaterThan(begun - CLOCKS_MS)
        expect(Date.parse(at), artefact).toBeLessThan(Date.now() + CLOCKS_MS)
      }
    },
  },
  {
    says: 'says of each piece that it is gone, and of none that it may stay or was left alone where nothing hindered it',
    async tried(trial) {
      const { access } = trial
      if (!access.verifyGone) return
      const given = await trial.give()
      await trial.open(given)
      const looks = [await access.verifyGone(given.ctx, given.steps)]
      await trial.takeBack(given)
      looks.push(await access.verifyGone(given.ctx, given.steps))
      const [before, after] = looks
      expect(after!.length).toBeGreaterThanOrEqual(before!.filter(({ holds }) => !holds).length)
      expect(after!.filter(({ holds }) => !holds)).toEqual([])
      expect(after!.length).toBeGreaterThan(0)
      for (const piece of looks.flat())
        expect([piece.mayStay, piece.wasUntouched ?? false], piece.artefact).toEqual([undefined, false])
    },
  },
]

const isSaid = (text: string) => text.trim() !== ''
const named = ({ resources }: { resources: readonly { name: string; permissions: readonly string[] }[] }) =>
  resources.map(({ name, permissions }) => `${permissions.join()} of ${name}`).join()
