import { expect } from 'vitest'
import type { Evidence } from '../../../src/sdk/index.ts'
import { walk } from './about-the-target.ts'
import type { Promised } from './promised.ts'
import { secretsIn, soon, type Trial } from './world.ts'

/** Everything that is stored, shown or logged without a thought. */
export const aboutSecrets: readonly Promised[] = [
  {
    says: 'shows no secret of the target or of its configuration in what it finds, says and advises',
    async tried(trial) {
      const { plugin, client, config } = trial
      const pages = await walk(trial)
      const found = pages.flatMap(({ resources }) => resources).slice(0, 50)
      const told = [
        pages,
        await plugin.describe?.(client, found, soon()),
        await plugin.health(client, soon()),
        await plugin.identify?.(client, soon()),
        plugin.session?.(client),
        plugin.minimumPolicy?.(config),
      ]
      expect(shownIn(trial, told, []).length).toBe(0)
    },
  },
  {
    says: 'keeps a credential out of everything but its fields',
    async tried(trial) {
      const { access, deliveries } = trial
      for (const delivery of deliveries) {
        const given = await trial.give()
        const evidence: (readonly Evidence[] | undefined)[] = [await access.verify?.(given.ctx, given.steps)]
        const credential = await trial.open(given, delivery)
        const { fields, ...beside } = credential
        const secrets = fields.flatMap(({ value }) => secretsIn(value))
        const marked = (await trial.marked()).map(({ artefact, runId }) => ({ artefact, runId }))
        const state = await access.inspect(given.ctx, credential.trace)
        evidence.push(await access.verify?.(given.ctx, given.steps))
        await trial.takeBack(given)
        evidence.push(await access.verifyGone?.(given.ctx, given.steps))
        const told = [given.steps, beside, fields.filter(({ value }) => typeof value === 'string'), evidence, marked, state]
        expect(secrets.length, delivery).toBeGreaterThan(0)
        expect(shownIn(trial, told, secrets).length, delivery).toBe(0)
      }
    },
  },
]

/** Not the secrets themselves: a test that fails must not tell them either. */
function shownIn({ config, logged, world }: Trial, told: readonly unknown[], secrets: readonly string[]): string[] {
  const text = JSON.stringify([told, logged])
  return [...world.canaries, ...secretsIn(config), ...secrets].filter((secret) => text.includes(secret))
}
