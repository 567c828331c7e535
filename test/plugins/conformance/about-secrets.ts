import { expect } from 'vitest'
import { z } from 'zod'
import { takeOutSecrets } from '../../../src/integrations/secrets/config-secrets.ts'
import type { Evidence } from '../../../src/sdk/index.ts'
import { walk } from './about-the-target.ts'
import type { Promised } from './promised.ts'
import { extended, refusalOf, secretsIn, soon, Trial } from './world.ts'

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
    says: 'asks for its secrets again where the configuration leads to another system',
    async tried({ plugin, world }) {
      const [here, there] = [world.config, world.elsewhere].map((config) => new Map(leavesOf(config)))
      const differing = [...new Set([...here!.keys(), ...there!.keys()])].filter(
        (where) => here!.get(where) !== there!.get(where),
      )
      const leading = differing.filter((where) => !isSecret(world.secrets, here!.get(where) ?? there!.get(where)))
      expect(leading.length, 'the world leads elsewhere').toBeGreaterThan(0)
      const covered = (where: string) => plugin.secretsGoTo.some((field) => where === field || where.startsWith(`${field}.`))
      expect(
        leading.filter((where) => !covered(where)),
        'is to be named in `secretsGoTo`',
      ).toEqual([])
    },
  },
  {
    says: 'tells no secret of its configuration where it fails',
    async tried(trial) {
      const given = await trial.give()
      const refusals: unknown[] = []
      for (const config of trial.world.ill) {
        const blind = await Trial.begin(trial.world, config)
        const lost = { ...given, ctx: { ...given.ctx, client: blind.client } }
        const works = [
          () => walk(blind),
          () => blind.give(),
          () => blind.open(lost),
          () => blind.takePower(lost),
          () => blind.leftOf(lost),
          () => blind.marked(),
        ]
        for (const work of works) refusals.push(await refusalOf(work()))
        expect(shownIn(blind, refusals.map(saidBy), []).length).toBe(0)
        await blind.end()
      }
      await trial.takeBack(given)
      const longer = extended(given, 600)
      refusals.push(await refusalOf(trial.open(given)), await refusalOf(trial.access.extend(longer.ctx, longer.steps)))
      expect(refusals.filter((error) => error !== undefined).length).toBeGreaterThan(0)
      expect(shownIn(trial, refusals.map(saidBy), []).length).toBe(0)
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

function leavesOf(value: unknown, within: readonly string[] = []): (readonly [where: string, leaf: unknown])[] {
  if (typeof value !== 'object' || value === null) return [[within.join('.'), value]]
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, Array.isArray(value) ? within : [...within, key]))
}

function isSecret(secrets: readonly string[], leaf: unknown): boolean {
  return typeof leaf === 'string' && secrets.includes(leaf)
}

/** All that a log or a page would have of an error: what it was made of as well. */
function saidBy(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  return [error.message, Object.entries(error), saidBy(error.cause)]
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
