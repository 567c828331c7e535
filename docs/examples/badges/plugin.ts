import { randomBytes } from 'node:crypto'
import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import {
  BrokerError,
  type Evidence,
  type GrantAccessAction,
  type GrantInput,
  type Plugin,
  Secret,
  type Step,
} from '../../../src/sdk/index.ts'

/** The target: a folder with a file for each door, and in it who may pass. A door opens to a badge that has not ended. */
interface Slot {
  readonly instance: string
  readonly until: string
  readonly badge?: string
}
type Door = Record<string, Slot>
type DoorStep = Step & { readonly kind: 'slot'; readonly target: string }

const config = z.strictObject({ folder: z.string().min(1).meta({ title: 'Folder', description: 'of the doors' }) })
type Client = z.infer<typeof config>

const fileOf = ({ folder }: Client, door: string) => path.join(folder, `${door}.json`)
const read = async (client: Client, door: string): Promise<Door> => JSON.parse(await readFile(fileOf(client, door), 'utf8'))

/** Whole or not at all, so that it can be done again after a crash in the middle. */
async function change(client: Client, door: string, runId: string, slot: Slot | undefined): Promise<void> {
  const { [runId]: _, ...others } = await read(client, door)
  const next = `${fileOf(client, door)}.${runId}`
  await writeFile(next, JSON.stringify(slot ? { ...others, [runId]: slot } : others))
  await rename(next, fileOf(client, door))
}

const look = async (client: Client, runId: string, steps: readonly Step[], wanted: boolean): Promise<Evidence[]> =>
  Promise.all(
    steps.map(async ({ target }) => {
      const isThere = (await read(client, target))[runId] !== undefined
      const observed = isThere ? 'the slot is there' : 'there is no slot'
      return { artefact: `slot at ${target}`, holds: isThere === wanted, observed, at: new Date().toISOString() }
    }),
  )

const grantAccess: GrantAccessAction<Client, GrantInput, DoorStep> = {
  name: 'grant-access',
  title: 'Open a door',
  input: z.custom<GrantInput>(),
  deliveries: [{ name: 'badge', title: 'A badge, shown once', shows: 'once' }],
  // One door a grant keeps the example short: the last step, and no other, confers power.
  async plan(_ctx, { resources }) {
    const door = resources[0]!.name
    return [{ kind: 'slot', target: door, summary: `Makes a place for a badge at ${door}.`, args: {}, confersPower: true }]
  },
  async execute({ client, runId, instance, until, stillMine }, { target }) {
    stillMine()
    const before = (await read(client, target))[runId]
    await change(client, target, runId, { ...before, instance, until: until!.toISOString() })
    return {}
  },
  async rollback({ client, runId, stillMine }, { target }) {
    stillMine()
    await change(client, target, runId, undefined)
  },
  verify: ({ client, runId }, steps) => look(client, runId, steps, true),
  verifyGone: ({ client, runId }, steps) => look(client, runId, steps, false),
  async open({ client, runId, until, stillMine }, [step]) {
    const badge = randomBytes(12).toString('hex')
    stillMine()
    const slot = (await read(client, step!.target))[runId]
    // What was taken back is not opened again.
    if (!slot) throw new BrokerError('conflict', `there is no slot at ${step!.target} any more`)
    await change(client, step!.target, runId, { ...slot, until: until!.toISOString(), badge })
    const field = { name: 'badge', label: 'Badge', value: new Secret(badge) }
    const usage = [`# hold it to the reader at ${step!.target}`]
    return { delivery: 'badge', fields: [field], prepare: [], usage, endsAt: until!, trace: {} }
  },
  async extend({ client, runId, until, stillMine }, [step]) {
    stillMine()
    const slot = (await read(client, step!.target))[runId]
    if (slot) await change(client, step!.target, runId, { ...slot, until: until!.toISOString() })
  },
  inspect: async () => 'unknown',
  expiryGuarantee: () => 'server',
}

export const badges: Plugin<Client, Client> = {
  manifest: {
    id: 'badges',
    name: 'Badges',
    vendor: 'Example',
    description: 'Doors that open to a badge.',
    sdk: 1,
    guide: 'docs/plugins.md',
  },
  config,
  secretsGoTo: ['folder'],
  connect: async (given) => given,
  identify: async ({ folder }) => ({ folder }),
  async health({ folder }) {
    const doors = await readdir(folder).catch(() => undefined)
    const status = doors ? 'ok' : 'failed'
    return [
      { name: 'folder', status, detail: doors ? `${doors.length} doors` : 'is not there', fix: doors ? undefined : 'make it' },
    ]
  },
  resourceTypes: [
    { id: 'badges-door', title: 'Door', permissions: [{ id: 'pass', title: 'Pass', description: 'Opens the door.' }] },
  ],
  async *discover({ folder }) {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length))
    yield { folder: '', folders: [], resources: names.map((name) => ({ type: 'badges-door', name, attributes: {} })) }
  },
  grantAccess,
  async *marked(client) {
    for (const name of await readdir(client.folder)) {
      const door = name.replace(/\.json$/, '')
      for (const [runId, { instance }] of Object.entries(await read(client, door))) {
        yield { artefact: `slot at ${door}`, runId, instance, remove: () => change(client, door, runId, undefined) }
      }
    }
  },
  actions: [],
}
