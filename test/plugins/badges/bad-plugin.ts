import { stat } from 'node:fs/promises'
import { z } from 'zod'
import type { Building } from '../../../docs/examples/badges/building.ts'
import { badges } from '../../../docs/examples/badges/plugin.ts'
import { BrokerError, type RunContext, type Secret, type Step, secret } from '../../../src/sdk/index.ts'
import type { Badges } from './badges-world.ts'
import { issue, sources } from './certified.ts'

export type Access = NonNullable<Badges['grantAccess']>
type Credential = Awaited<ReturnType<Access['open']>>

/** What a bad plugin does, the plugin, and the promise that it breaks. */
export type Bad = readonly [what: string, bad: Badges, promise: string]

const asked = <Answer>(work: Promise<Answer>) =>
  work.catch((error: Error) => {
    throw new BrokerError('target.failed', error.message, { cause: error })
  })

const doorsIn = (steps: readonly Step[]) => steps.flatMap(({ args }) => (args as { readonly doors: readonly string[] }).doors)

/** The guide’s plugin with parts that it leaves out, so that these can be bad as well. */
export const good: Badges = {
  ...badges,
  config: z.strictObject({ folder: z.string().min(1), code: secret({ title: 'Code of the building' }).optional() }),
  async identify(client) {
    return { building: String((await asked(stat(client.folder))).ino) }
  },
  async *marked(client, signal) {
    signal.throwIfAborted()
    for (const name of (await client.slots()).filter((one) => one.startsWith('run_'))) {
      const [runId] = name.split(' ')
      yield { artefact: `slot ${name}`, runId, instance: (await client.slot(name))?.label, remove: () => client.remove(name) }
    }
  },
  describe: async (_client, resources) => resources.map(({ type, name }) => ({ type, name, tags: {} })),
  async standsAgain(client, { instance, runIds }) {
    const slots = await asked(client.slots())
    const labels = new Map(await Promise.all(slots.map(async (name) => [name, (await asked(client.slot(name)))?.label] as const)))
    return runIds.filter((runId) => labels.get(runId) === instance)
  },
  actions: [issue],
  certificateSources: sources,
  grantAccess: {
    ...badges.grantAccess!,
    // In the request that makes the slot, so that none is without it.
    async execute(ctx, step) {
      const client: Building = Object.create(ctx.client)
      client.put = (name, slot) => ctx.client.put(name, { ...slot, label: ctx.instance })
      return badges.grantAccess!.execute({ ...ctx, client }, step)
    },
    beyondTheEnd: ['the grantee keeps what they took out of the room'],
    exceeds(approved, planned) {
      const more = doorsIn(planned).filter((door) => !doorsIn(approved).includes(door))
      return more.length > 0 ? `it opens ${more.join()} as well` : undefined
    },
  },
}
export const access = good.grantAccess!

export const plugin = (change: Partial<Badges>): Badges => ({ ...good, ...change })
export const giving = (change: Partial<Access>): Badges => ({ ...good, grantAccess: { ...access, ...change } })

const reservation = ({ runId }: RunContext<Building>) => `${runId} reserved`

/** One that gives access in two steps, of which the first leaves a slot that opens nothing. */
export const inTwoSteps = giving({
  plan: async (ctx, input) => [
    { kind: 'reservation', target: ctx.runId, summary: 'Reserves a slot.', args: { doors: [] } },
    ...(await access.plan(ctx, input)),
  ],
  async execute(ctx, step) {
    if (step.kind !== 'reservation') return access.execute(ctx, step)
    ctx.stillMine()
    await asked(
      ctx.client.put(reservation(ctx), { doors: [], badges: [], ends: '2099-01-01T00:00:00.000Z', label: ctx.instance }),
    )
    return {}
  },
  async rollback(ctx, step, record) {
    if (step.kind !== 'reservation') return access.rollback(ctx, step, record)
    ctx.stillMine()
    await asked(ctx.client.remove(reservation(ctx)))
  },
  async verifyGone(ctx, steps) {
    const isThere = (await asked(ctx.client.slot(reservation(ctx)))) !== undefined
    const look = said(isThere ? 'is there' : 'is not there', !isThere)
    return [...(await access.verifyGone!(ctx, steps)), { ...look, artefact: 'reservation' }]
  },
})

/** One whose credential is good but for this. */
export function opening(spoil: (credential: Credential) => object): Badges {
  return giving({
    async open(...given) {
      const credential = await access.open(...given)
      return { ...credential, ...spoil(credential) }
    },
  })
}

export const badgeIn = ({ fields }: Credential) => (fields[0]!.value as Secret).reveal()
export const unfenced = (ctx: RunContext<Building>): RunContext<Building> => ({ ...ctx, stillMine: () => {} })
export const said = (observed: string, holds: boolean) => ({ artefact: 'slot', holds, observed, at: new Date().toISOString() })
