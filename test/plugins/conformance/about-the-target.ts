import { expect } from 'vitest'
import { BrokerError, type DiscoveryPage } from '../../../src/sdk/index.ts'
import type { Promised } from './promised.ts'
import { refusalOf, soon, Trial } from './world.ts'

/** What a plugin says of its target. */
export const aboutTheTarget: readonly Promised[] = [
  {
    says: 'discovers what there is, each folder and each name once',
    async tried(trial) {
      const { plugin, world } = trial
      const pages = await walk(trial)
      const folders = pages.map(({ folder }) => folder)
      expect(new Set(folders).size).toBe(folders.length)
      expect(pages.flatMap((page) => page.folders).filter((folder) => !folders.includes(folder))).toEqual([])
      const found = pages.flatMap(({ resources }) => resources)
      const names = found.map(named)
      expect(new Set(names).size).toBe(names.length)
      expect(names).toEqual(expect.arrayContaining(world.input.resources.map(named)))
      const types = plugin.resourceTypes.map(({ id }) => id)
      expect(found.filter(({ type }) => !types.includes(type))).toEqual([])
    },
  },
  {
    says: 'describes what it discovered, and nothing else',
    async tried({ plugin, client, world }) {
      if (!plugin.describe) return
      const asked = world.input.resources.map(({ type, name, attributes }) => ({ type, name, attributes }))
      const told = await plugin.describe(client, asked, soon())
      expect(told.map(named).filter((one) => !asked.map(named).includes(one))).toEqual([])
      expect(told.filter(({ unreadable }) => unreadable !== undefined)).toEqual([])
    },
  },
  {
    says: 'finds a sign that it left, and no other',
    async tried({ plugin, client }) {
      if (!plugin.leaveSign || !plugin.findsSign) return
      const sign = await plugin.leaveSign(client, soon())
      expect(await plugin.findsSign(client, sign, soon())).toBe(true)
      expect(await plugin.findsSign(client, `${sign}x`, soon())).toBe(false)
    },
  },
  {
    says: 'says in the broker’s words what cannot be done',
    async tried({ world }) {
      for (const config of world.ill) {
        const trial = await Trial.begin(world, config)
        const refusals = await Promise.all([refusalOf(walk(trial)), refusalOf(trial.give())])
        expect(refusals.filter((error) => error !== undefined).length).toBeGreaterThan(0)
        expect(refusals.filter((error) => error !== undefined && !(error instanceof BrokerError))).toEqual([])
        await trial.end()
      }
    },
  },
  {
    says: 'takes nothing for gone where the target cannot be asked',
    async tried(trial) {
      const given = await trial.give()
      for (const config of trial.world.ill) {
        const blind = await Trial.begin(trial.world, config)
        const lost = { ...given, ctx: { ...given.ctx, client: blind.client } }
        expect(await refusalOf(blind.takePower(lost))).toBeInstanceOf(BrokerError)
        const left = await refusalOf(blind.leftOf(lost).then((pieces) => expect(pieces).toEqual([])))
        if (blind.access.verifyGone) expect(left).toBeDefined()
        await blind.end()
      }
      await trial.takeBack(given)
    },
  },
]

export async function walk({ plugin, client }: Trial): Promise<DiscoveryPage[]> {
  const pages: DiscoveryPage[] = []
  for await (const page of plugin.discover?.(client, [''], soon()) ?? []) pages.push(page)
  return pages
}

function named({ type, name }: { readonly type: string; readonly name: string }): string {
  return `${type} ${name}`
}
