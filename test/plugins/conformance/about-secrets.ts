import { expect } from 'vitest'
import { z } from 'zod'
import { takeOutSecrets } from '../../../src/integrations/secrets/config-secrets.ts'
import type { Evidence } from '../../../src/sdk/index.ts'
import { walk } from './about-the-target.ts'
import type { Promised } from './promised.ts'
import { secretsIn, soon, type Trial } from './world.ts'

/** Everything that is stored, shown or logged without a thought. */
export const aboutSecrets: readonly Promised[] = [
  {
    says: 'declares each secret of its configuration, so that it is sealed and no form or answer shows it',
    async tried({ plugin, config, world }) {
      const typed = textsIn(world.config)
      if (!world.secrets.every((secret) => typed.includes(secret)))
        throw new TypeError('the world names a secret that is not in its config')
      const { clear, secrets } = takeOutSecrets(config)
      const shown = world.secrets.filter((secret) => textsIn(clear).some((text) => text.includes(secret)))
      expect(shown.length, 'is stored in clear, and shown').toBe(0)
      const unnamed = secrets.filter(([, value]) => !world.secrets.includes(value.reveal())).map(([where]) => where.join('.'))
      expect(unnamed, 'is to be named in `secrets` of the world').toEqual([])
      const forms = [plugin.config, ...(plugin.distribution ? [plugin.distribution.credential] : [])]
      expect(forms.flatMap(readableByName), 'is `secret()`, or has a name that sounds like no secret').toEqual([])
    },
  },
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

const SOUNDS_SECRET = /(pass(word|phrase|code)|secret|secret_?id|token|credentials?|(private|api|secret)_?key(_?pem)?)$/i

/** Fields of a form that are called as secrets are, of whatever variant, and are none: a world fills in only some of them. */
function readableByName(form: z.ZodType): string[] {
  const found: string[] = []
  z.toJSONSchema(form, {
    io: 'input',
    unrepresentable: 'any',
    override({ jsonSchema }) {
      for (const [name, field] of Object.entries(jsonSchema.properties ?? {})) {
        if (typeof field === 'object' && field.type === 'string' && !field.writeOnly && SOUNDS_SECRET.test(name)) found.push(name)
      }
    },
  })
  return found
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : []
}

/** Not the secrets themselves: a test that fails must not tell them either. */
function shownIn({ config, logged, world }: Trial, told: readonly unknown[], secrets: readonly string[]): string[] {
  const text = JSON.stringify([told, logged])
  return [...world.canaries, ...world.secrets, ...secretsIn(config), ...secrets].filter((secret) => text.includes(secret))
}
