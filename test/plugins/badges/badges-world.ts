import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Building } from '../../../docs/examples/badges/building.ts'
import { badges } from '../../../docs/examples/badges/plugin.ts'
import { newId } from '../../../src/platform/ids.ts'
import { type Plugin, Secret } from '../../../src/sdk/index.ts'
import type { PluginWorld } from '../conformance/world.ts'

export type Badges = typeof badges
type Config = Badges extends Plugin<infer C, Building> ? C : never

/** A building of its own for the guide's plugin, or for one that keeps its promises less well. */
export async function badgesWorld(plugin: Badges = badges): Promise<PluginWorld<Config, Building>> {
  const root = await mkdtemp(path.join(tmpdir(), 'latchkey-doors-'))
  const [folder, elsewhere] = [await makeBuilding(root, 'here'), await makeBuilding(root, 'there')]
  const building = new Building(folder)
  const code = 'canary-of-the-code'
  const takesCode = (await plugin.config.safeParseAsync({ folder, code })).success
  const slots = path.join(folder, 'slots')
  let requests = 0
  const counting = async (...given: Parameters<Badges['connect']>): Promise<Building> =>
    new CountedBuilding((await plugin.connect(...given)).folder, () => {
      requests += 1
    })
  const [config, alias] = [takesCode ? { folder, code } : { folder }, path.join(root, 'entrance')]
  await symlink(folder, alias)
  return {
    plugin: { ...plugin, connect: counting },
    config,
    wrong: [{ config: { folder: '' }, field: 'folder' }],
    ill: [{ ...config, folder: path.join(root, 'nowhere') }],
    elsewhere: { ...config, folder: elsewhere },
    alias: { ...config, folder: alias },
    host: {
      integrationId: 'int_test',
      version: '0.0.0',
      insecureDevelopment: true,
      log: () => {},
      keep: async () => {},
      recall: async () => undefined,
      file: async () => undefined,
    },
    input: {
      resources: ['archive', 'server room'].map((name) => ({ type: 'badges-door', name, attributes: {}, permissions: ['pass'] })),
    },
    beyond: [
      {
        input: { resources: [{ type: 'badges-door', name: 'boiler room', attributes: {}, permissions: ['pass'] }] },
        getsIn: async ({ fields }) => {
          const badge = fields.find(({ value }) => value instanceof Secret)?.value
          return badge instanceof Secret && opens(building, 'boiler room', badge.reveal())
        },
      },
    ],
    certificates: { kept: { door: 'archive' }, missing: { door: 'vestibule' }, wish: { reader: 'reader.example.com' } },
    canaries: ['canary-behind-the-door'],
    secrets: takesCode ? [code] : [],
    foreign: async () => {
      const name = 'night watch'
      await building.put(name, { doors: ['archive'], badges: [], ends: '2099-01-01T00:00:00.000Z', label: '4711081542' })
      return async () => (await building.slot(name)) !== undefined
    },
    shortestSeconds: 1,
    newRun: (client, secondsLeft) => {
      const until = new Date(Date.now() + secondsLeft * 1000)
      const msLeft = () => until.getTime() - Date.now()
      const signal = new AbortController().signal
      return { client, runId: newId('run'), instance: '4711081542', until, msLeft, signal, stillMine: () => {} }
    },
    getsIn: async ({ fields }) => {
      const badge = fields.find(({ value }) => value instanceof Secret)?.value
      if (!(badge instanceof Secret)) return false
      return (await opens(building, 'archive', badge.reveal())) && opens(building, 'server room', badge.reveal())
    },
    isOpen: async ({ runId }) => {
      const slot = await building.slot(runId)
      return slot !== undefined && slot.badges.length > 0 && new Date(slot.ends) > new Date()
    },
    // In whatever slot they are.
    waysIn: async () => {
      const all = await Promise.all((await building.slots()).map((name) => building.slot(name)))
      return all.flatMap((slot) => slot?.badges ?? []).length
    },
    endOf: async ({ runId }) => {
      const slot = await building.slot(runId)
      return slot && new Date(slot.ends)
    },
    requests: () => requests,
    // Names of runs and ends differ from grant to grant, what there is does not.
    snapshot: async () => {
      const texts = await Promise.all((await readdir(slots)).map((name) => readFile(path.join(slots, name), 'utf8')))
      return texts.sort()
    },
    stop: () => rm(root, { recursive: true, force: true }),
  }
}

/** Tells of each change before it is made. */
class CountedBuilding extends Building {
  readonly #changed: () => void

  constructor(folder: string, changed: () => void) {
    super(folder)
    this.#changed = changed
  }

  override put(...given: Parameters<Building['put']>): Promise<void> {
    this.#changed()
    return super.put(...given)
  }

  override change(...given: Parameters<Building['change']>): Promise<void> {
    this.#changed()
    return super.change(...given)
  }

  override remove(...given: Parameters<Building['remove']>): Promise<void> {
    this.#changed()
    return super.remove(...given)
  }
}

/** As the reader at a door decides: a badge opens nothing once its slot has ended. */
async function opens(building: Building, door: string, badge: string): Promise<boolean> {
  const slots = await Promise.all((await building.slots()).map((name) => building.slot(name)))
  return slots.some((slot) => slot?.doors.includes(door) && slot.badges.includes(badge) && new Date(slot.ends) > new Date())
}

async function makeBuilding(root: string, name: string): Promise<string> {
  const folder = path.join(root, name)
  for (const room of ['doors', 'slots']) await mkdir(path.join(folder, room), { recursive: true })
  for (const door of ['archive', 'server room', 'boiler room'])
    await writeFile(path.join(folder, 'doors', door), 'canary-behind-the-door')
  return folder
}
