import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { plugins } from '../../../src/catalog/plugins.ts'
import type { AnyPlugin } from '../../../src/sdk/index.ts'
import { misplaced } from './in-its-place.ts'
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

    it('stands in the folder of its id, and is what the catalog has', () => {
      expect(misplaced(expect.getState().testPath!, world.plugin as AnyPlugin, plugins)).toEqual([])
    })

    it.each(PROMISED)('$says', ({ tried }) => tried(trial))
  })
}
