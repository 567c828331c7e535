import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { badges } from '../../docs/examples/badges/plugin.ts'
import { newId } from '../../src/platform/ids.ts'
import { type Host, type RunContext, Secret } from '../../src/sdk/index.ts'
import { describePlugin } from './conformance/plugin.ts'
import { describeReversible } from './conformance/reversible-action.ts'

const DOORS = path.resolve(import.meta.dirname, '../../docs')
const INPUT = { resources: [{ type: 'badges-door', name: 'archive', attributes: {}, permissions: ['pass'] }] }
type Client = Awaited<ReturnType<typeof badges.connect>>

async function folderOfDoors(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'latchkey-doors-'))
  for (const door of ['archive', 'server room']) await writeFile(path.join(folder, `${door}.json`), '{}')
  return folder
}

/** As the reader at the door decides. */
async function opens(folder: string, badge: string): Promise<boolean> {
  const door = JSON.parse(await readFile(path.join(folder, 'archive.json'), 'utf8')) as Record<
    string,
    { badge?: string; until: string }
  >
  return Object.values(door).some((slot) => slot.badge === badge && new Date(slot.until) > new Date())
}

function newRun(client: Client, secondsLeft = 60): RunContext<Client> {
  const until = new Date(Date.now() + secondsLeft * 1000)
  const msLeft = () => until.getTime() - Date.now()
  const signal = new AbortController().signal
  return { client, runId: newId('run'), instance: '4711081542', until, msLeft, signal, stillMine: () => {} }
}

const host: Host = {
  integrationId: 'int_test',
  version: '0.0.0',
  insecureDevelopment: true,
  log: () => {},
  keep: async () => {},
  recall: async () => undefined,
  file: async () => undefined,
}

describePlugin('the plugin of the guide', async () => {
  const folder = await folderOfDoors()
  return {
    plugin: badges,
    config: { folder },
    wrong: [{ config: { folder: '' }, field: 'folder' }],
    host,
    input: INPUT,
    canaries: [],
    newRun,
    getsIn: async ({ fields }) => {
      const [field] = fields
      return field?.value instanceof Secret && (await opens(folder, field.value.reveal()))
    },
    stop: () => rm(folder, { recursive: true, force: true }),
  }
})

describeReversible('the access of the guide’s plugin', async () => {
  const folder = await folderOfDoors()
  return {
    action: badges.grantAccess!,
    input: INPUT,
    newRun: () => newRun({ folder }),
    snapshot: () => readFile(path.join(folder, 'archive.json'), 'utf8'),
    stop: () => rm(folder, { recursive: true, force: true }),
  }
})

describe('the guide to plugins', () => {
  it('shows the example as it is tested', async () => {
    const guide = await readFile(path.join(DOORS, 'plugins.md'), 'utf8')
    const example = await readFile(path.join(DOORS, 'examples/badges/plugin.ts'), 'utf8')
    expect(guide).toContain(`\`\`\`ts\n${example}\`\`\``)
  })
})
