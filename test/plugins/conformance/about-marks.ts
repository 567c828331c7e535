import { expect } from 'vitest'
import { BrokerError } from '../../../src/sdk/index.ts'
import { walk } from './about-the-target.ts'
import type { Promised } from './promised.ts'
import { anotherThan, refusalOf, soon, Trial } from './world.ts'

/** What a plugin finds again of what it made. */
export const aboutMarks: readonly Promised[] = [
  {
    says: 'finds by its mark what a run left, and removes that alone',
    async tried(trial) {
      if (!trial.plugin.marked) return
      const [mine, theirs] = [await trial.give(), await trial.give()]
      const [lost, kept] = [await trial.open(mine), await trial.open(theirs)]
      const ofOurs = (await trial.marked()).filter(({ runId }) => runId === mine.ctx.runId)
      expect(ofOurs.length).toBeGreaterThan(0)
      expect(ofOurs.map(({ instance }) => instance)).toEqual(ofOurs.map(() => mine.ctx.instance))
      for (const piece of ofOurs) await piece.remove()
      for (const piece of ofOurs) await piece.remove() // as after a crash
      expect([await trial.world.getsIn(lost), await trial.world.getsIn(kept)]).toEqual([false, true])
      expect((await trial.marked()).filter(({ runId }) => runId === mine.ctx.runId)).toEqual([])
      await trial.takeBack(mine)
      await trial.takeBack(theirs)
    },
  },
  {
    says: 'tells by its mark which installation made each piece, as the target has it',
    async tried(trial) {
      if (!trial.plugin.marked) return
      const mine = await trial.give()
      const theirs = await trial.give(120, undefined, anotherThan(mine.ctx.instance))
      const pieces = await trial.marked()
      for (const { ctx } of [mine, theirs]) {
        const made = pieces.filter(({ runId }) => runId === ctx.runId)
        expect(made.length).toBeGreaterThan(0)
        expect(made.map(({ instance }) => instance)).toEqual(made.map(() => ctx.instance))
      }
      await trial.takeBack(mine)
      await trial.takeBack(theirs)
    },
  },
  {
    says: 'leaves alone what others made beside what bears its mark',
    async tried(trial) {
      if (!trial.plugin.marked) return
      if (!trial.world.foreign) throw new TypeError('the world needs something that others made, to see that it is left alone')
      const ours = (await trial.marked()).map(({ artefact }) => artefact)
      const isThere = await trial.world.foreign()
      expect(await isThere(), 'the world sees what others made').toBe(true)
      const given = await trial.give()
      const pieces = await trial.marked()
      expect(pieces.filter(({ artefact, runId }) => runId !== given.ctx.runId && !ours.includes(artefact))).toEqual([])
      for (const piece of pieces) await piece.remove()
      await trial.takeBack(given)
      expect(await isThere()).toBe(true)
    },
  },
  {
    says: 'claims by its mark nothing but what its runs made',
    async tried(trial) {
      if (!trial.plugin.marked) return
      const [before, there] = [await trial.world.snapshot(), await everything(trial)]
      const given = await trial.give()
      await trial.open(given)
      const pieces = await trial.marked()
      expect(pieces.filter(({ runId }) => runId !== given.ctx.runId).map(({ artefact }) => artefact)).toEqual([])
      for (const piece of pieces) await piece.remove()
      await trial.takeBack(given)
      expect(await trial.world.snapshot()).toEqual(before)
      expect(await everything(trial), 'what the target has is not the mark’s to remove').toEqual(there)
    },
  },
  {
    says: 'tells which of its runs stand again, and of no other that it does',
    async tried(trial) {
      const { plugin, client, world } = trial
      if (!plugin.standsAgain) return
      const [mine, theirs, gone] = [await trial.give(), await trial.give(), await trial.give()]
      const { instance, runId } = mine.ctx
      const asked = { instance, runIds: [runId, gone.ctx.runId] }
      await trial.takeBack(gone)
      expect(await plugin.standsAgain(client, asked, soon())).toEqual([runId])
      expect(await plugin.standsAgain(client, { instance: anotherThan(instance), runIds: [runId] }, soon())).toEqual([])
      for (const config of world.ill) {
        const blind = await Trial.begin(world, config)
        expect(await refusalOf(plugin.standsAgain(blind.client, asked, soon()))).toBeInstanceOf(BrokerError)
        await blind.end()
      }
      await trial.takeBack(mine)
      expect(await plugin.standsAgain(client, asked, soon())).toEqual([])
      await trial.takeBack(theirs)
    },
  },
]

/** Pages come as they are read. */
async function everything(trial: Trial): Promise<string[]> {
  return (await walk(trial)).map((page) => JSON.stringify(page)).toSorted()
}
