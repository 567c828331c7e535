import { afterAll, beforeAll, describe, it } from 'vitest'
import { PROMISED } from './promised.ts'
import { type PluginWorld, Trial } from './world.ts'

/** What every plugin promises, and what giving access promises as an action with an undo, tried on a real target. */
export function describePlugin<Config, Client>(name: string, setUp: () => Promise<PluginWorld<Config, Client>>): void {
  describe(`${name}, as a plugin`, () => {
    let world: PluginWorld<Config, Client>
    let trial: Trial

    beforeAll(async () => {
      world = await setUp()
      trial = await Trial.begin(world)
    }, 120_000)
    afterAll(async () => {
      await trial?.end()
      await world?.stop()
    })

    it.each(PROMISED)('$says', ({ tried }) => tried(trial))
  })
}
