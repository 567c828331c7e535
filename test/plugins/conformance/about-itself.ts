import { existsSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { checkPlugins } from '../../../src/catalog/check-plugins.ts'
import type { HealthCheck } from '../../../src/sdk/index.ts'
import type { Promised } from './promised.ts'
import { secretsIn, soon, Trial } from './world.ts'

const root = path.resolve(import.meta.dirname, '../../..')

/** What a plugin says of itself, of its configuration and of how it is. */
export const aboutItself: readonly Promised[] = [
  {
    says: 'says what it is, and has a guide',
    async tried({ plugin }) {
      checkPlugins([plugin])
      expect(existsSync(path.join(root, plugin.manifest.guide))).toBe(true)
      for (const type of plugin.resourceTypes) expect(type.permissions.length, type.id).toBeGreaterThan(0)
    },
  },
  {
    says: 'refuses a wrong configuration for the field that is wrong',
    async tried({ plugin, world }) {
      expect(world.wrong.length).toBeGreaterThan(0)
      for (const { config, field } of world.wrong) {
        const read = await plugin.config.safeParseAsync(config)
        expect(read.error?.issues.map((issue) => issue.path.join('.'))).toContain(field)
      }
    },
  },
  {
    says: 'allows only deliveries and actions that it has',
    async tried({ plugin, config }) {
      const names = plugin.actions.map(({ name }) => name)
      expect((plugin.allowedActions?.(config) ?? []).filter((name) => !names.includes(name))).toEqual([])
      const ways = plugin.grantAccess?.deliveries.map(({ name }) => name) ?? []
      expect((plugin.allowedDeliveries?.(config) ?? []).filter((name) => !ways.includes(name))).toEqual([])
    },
  },
  {
    says: 'is healthy where everything is as it should be',
    async tried({ plugin, client }) {
      const checks = await plugin.health(client, soon(), 'thorough')
      expect(checks.length).toBeGreaterThan(0)
      expect(checks.filter(({ status }) => status === 'failed')).toEqual([])
      expect(withoutRemedy(checks)).toEqual([])
    },
  },
  {
    says: 'finds what is wrong, and says what to do',
    async tried({ world }) {
      expect(world.ill.length).toBeGreaterThan(0)
      for (const config of world.ill) {
        const trial = await Trial.begin(world, config)
        const checks = await trial.plugin.health(trial.client, soon())
        expect(checks.filter(({ status }) => status === 'failed').length).toBeGreaterThan(0)
        expect(withoutRemedy(checks)).toEqual([])
        const told = JSON.stringify(checks)
        expect(secretsIn(trial.config).filter((secret) => told.includes(secret)).length).toBe(0)
        await trial.end()
      }
    },
  },
  {
    says: 'names the same system each time it is asked, and another one otherwise',
    async tried({ plugin, client, world }) {
      if (!plugin.identify) return
      const identity = await plugin.identify(client, soon())
      expect(Object.keys(identity).length).toBeGreaterThan(0)
      expect(await plugin.identify(client, soon())).toEqual(identity)
      const again = await Trial.begin(world)
      expect(await plugin.identify(again.client, soon())).toEqual(identity)
      await again.end()
      const other = await Trial.begin(world, world.elsewhere)
      expect(await plugin.identify(other.client, soon())).not.toEqual(identity)
      await other.end()
    },
  },
  {
    says: 'names the system as it names itself, and not by the configuration that leads to it',
    async tried({ plugin, client, world }) {
      if (!plugin.identify) return
      if (world.alias === undefined) throw new TypeError('the world needs another way to the same system')
      expect(world.alias).not.toEqual(world.config)
      const other = await Trial.begin(world, world.alias)
      expect(await plugin.identify(other.client, soon())).toEqual(await plugin.identify(client, soon()))
      await other.end()
    },
  },
  {
    says: 'keeps its own session with the target, and says how it stands',
    async tried({ plugin, client }) {
      await plugin.keepAlive?.(client, soon())
      await plugin.keepAlive?.(client, soon())
      if (plugin.session) expect(plugin.session(client)).toMatchObject({ ok: true })
    },
  },
  {
    says: 'advises what the broker needs in the target',
    async tried({ plugin, config }) {
      const advice = plugin.minimumPolicy?.(config)
      if (!advice) return
      expect(advice.document).not.toBe('')
      expect(advice.commands.length).toBeGreaterThan(0)
    },
  },
]

function withoutRemedy(checks: readonly HealthCheck[]): HealthCheck[] {
  return checks.filter(({ status, detail, fix }) => detail.trim() === '' || (status !== 'ok' && !fix?.trim()))
}
