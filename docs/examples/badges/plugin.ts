import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import {
  BrokerError,
  type GrantAccessAction,
  type GrantInput,
  type Plugin,
  type RunContext,
  Secret,
} from '../../../src/sdk/index.ts'
import { Building, BuildingError } from './building.ts'

const config = z.strictObject({ folder: z.string().min(1).meta({ title: 'Folder', description: 'of the building' }) })

/** The one place where the client's errors become the broker's. */
const asked = <Answer>(work: Promise<Answer>) =>
  work.catch((error: unknown) => {
    if (!(error instanceof BuildingError)) throw error
    throw new BrokerError(error.isMissing ? 'target.not_found' : 'target.failed', error.message, { cause: error })
  })

async function look({ client, runId }: RunContext<Building>, isRight: (ends?: string) => boolean) {
  const slot = await asked(client.slot(runId))
  const observed = slot ? `ends at ${slot.ends}` : 'is not there'
  return [{ artefact: `slot ${runId}`, holds: isRight(slot?.ends), observed, at: new Date().toISOString() }]
}

const grantAccess: GrantAccessAction<Building, GrantInput> = {
  name: 'grant-access',
  title: 'Open doors',
  input: z.custom<GrantInput>(),
  deliveries: [{ name: 'badge', title: 'A badge, shown once', shows: 'once' }],
  async plan({ runId }, { resources }) {
    const doors = resources.map(({ name }) => name)
    return [{ kind: 'slot', target: runId, summary: `Lets a badge open ${doors.join()}.`, args: { doors }, confersPower: true }]
  },
  async execute({ client, runId, until, stillMine }, { args }) {
    stillMine()
    await asked(client.put(runId, { ...(args as { doors: string[] }), badges: [], ends: until!.toISOString() }))
    return {}
  },
  async rollback({ client, runId, stillMine }) {
    stillMine()
    await asked(client.remove(runId))
  },
  verify: (ctx) => look(ctx, (ends) => ends === ctx.until!.toISOString()),
  verifyGone: (ctx) => look(ctx, (ends) => ends === undefined),
  async open({ client, runId, until, stillMine }, _steps, delivery, { keepFormer } = { keepFormer: false }) {
    const badge = randomBytes(12).toString('hex')
    stillMine()
    await asked(client.change(runId, (slot) => ({ ...slot, badges: [...(keepFormer ? slot.badges : []), badge] })))
    const fields = [{ name: 'badge', label: 'Badge', value: new Secret(badge) }]
    return { delivery, fields, prepare: [], usage: ['# hold it to the reader'], endsAt: until!, trace: {} }
  },
  async extend({ client, runId, until, stillMine }) {
    stillMine()
    await asked(client.change(runId, (slot) => ({ ...slot, ends: until!.toISOString() })))
  },
  inspect: async () => 'unknown',
  expiryGuarantee: () => 'server',
}

export const badges: Plugin<z.infer<typeof config>, Building> = {
  manifest: { id: 'badges', name: 'Badges', vendor: 'Example', description: 'Opens doors.', sdk: 1, guide: 'docs/plugins.md' },
  config,
  secretsGoTo: ['folder'],
  connect: async ({ folder }) => new Building(folder),
  health: async (client) =>
    client.doors().then(
      (doors) => [{ name: 'doors', status: 'ok', detail: `${doors.length} doors` }],
      (error) => [{ name: 'doors', status: 'failed', detail: error.message, fix: 'see that the folder has a folder doors' }],
    ),
  resourceTypes: [{ id: 'badges-door', title: 'Door', permissions: [{ id: 'pass', title: 'Pass', description: 'Opens it.' }] }],
  async *discover(client, _folders, signal) {
    const doors = await asked(client.doors(signal))
    yield { folder: '', folders: [], resources: doors.map((name) => ({ type: 'badges-door', name, attributes: {} })) }
  },
  grantAccess,
  actions: [],
}
