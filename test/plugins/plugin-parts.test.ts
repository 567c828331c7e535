import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { badges } from '../../docs/examples/badges/plugin.ts'
import { plugins } from '../../src/catalog/plugins.ts'
import { type AnyPlugin, isReversible } from '../../src/sdk/index.ts'
import { holdTable, tableBelow } from '../support/page-table.ts'
import { badgesWorld } from './badges/badges-world.ts'
import { misplaced, misplacedAction } from './conformance/in-its-place.ts'

const root = path.resolve(import.meta.dirname, '../..')
const PAGE = path.join(root, 'docs/plugins.md')
const EVERY: readonly AnyPlugin[] = [badges, ...plugins]
/** Wherever it stands in the catalog. */
const vault = plugins.find(({ manifest }) => manifest.id === 'vault')!

/** The members of an interface of the SDK, in the order they are written: `name`, and whether it may be left out. */
function membersOf(file: string, name: string): { member: string; mayBeAbsent: boolean }[] {
  const text = readFileSync(path.join(root, 'src/sdk', file), 'utf8')
  const body = new RegExp(`^(?:export )?interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(text)?.[1] ?? ''
  const members = [...body.matchAll(/^ {2}(?:readonly )?(\w+)(\?)?[(:]/gm)]
  return members.map(([, member = '', absent]) => ({ member, mayBeAbsent: absent !== undefined }))
}

const has = (part: unknown) => (part === undefined ? '' : 'yes')

describe('the guide to plugins', () => {
  it('has a row for every part of a plugin, and says which plugin has it', () => {
    const { cells } = tableBelow(PAGE, 'Parts')
    const meanings = new Map(cells.map(([part = '', meaning = '']) => [part, meaning]))
    const ofPlugin = membersOf('plugin.ts', 'Plugin').map(({ member, mayBeAbsent }) => [
      mayBeAbsent ? `\`${member}\`` : `\`${member}\`, always`,
      ...EVERY.map((plugin) => has((plugin as unknown as Record<string, unknown>)[member])),
    ])
    const ofAccess = ['ActionBase', 'Reversible', 'GrantsAccess'].flatMap((name) => membersOf('action.ts', name))
    const inAccess = ofAccess
      .filter(({ member }, at) => ofAccess.findIndex((other) => other.member === member) === at)
      .filter(({ mayBeAbsent }) => mayBeAbsent)
      .map(({ member }) => [
        `\`grantAccess.${member}\``,
        ...EVERY.map(({ grantAccess }) => has((grantAccess as unknown as Record<string, unknown> | undefined)?.[member])),
      ])
    expect(ofPlugin.length).toBeGreaterThan(18)
    const rows = [...ofPlugin, ...inAccess].map(([part = '', ...rest]) => [part, meanings.get(part) ?? '', ...rest])
    expect(rows.filter(([, meaning]) => !meaning).map(([part]) => part)).toEqual([])
    holdTable(PAGE, 'Parts', [['part', cells[0]![1]!, ...EVERY.map(({ manifest }) => manifest.name)], ...rows])
  })

  it('has a row for every action of every plugin, and says what the action has', () => {
    const optional = ['ActionBase', 'Reversible'].flatMap((name) => membersOf('action.ts', name)).filter((one) => one.mayBeAbsent)
    const members = optional.map(({ member }) => member).filter((member) => !['description', 'severity'].includes(member))
    const rows = EVERY.flatMap(({ manifest, actions }) =>
      actions.map((action) => [
        manifest.name,
        `\`${action.name}\``,
        isReversible(action) ? 'yes' : '',
        ...members.map((member) => has((action as unknown as Record<string, unknown>)[member])),
      ]),
    )
    holdTable(PAGE, 'Actions there are', [['plugin', 'action', 'undo', ...members.map((member) => `\`${member}\``)], ...rows])
  })
})

describe('every plugin', () => {
  it('stands in a folder of its own, by its id', () => {
    const folders = globSync('plugins/*/', { cwd: root }).map((folder) => path.basename(folder))
    expect(folders.sort()).toEqual(plugins.map(({ manifest }) => manifest.id).sort())
  })

  it('is tried by the suite, and so is each of its actions that has an undo', () => {
    expect(untried(EVERY, suites())).toEqual([])
    const folder: AnyPlugin = { ...badges, manifest: { ...badges.manifest, id: 'second' }, actions: vault.actions }
    expect(untried([folder], suites())).toEqual([
      'second: no file in test/plugins/second calls describePlugin',
      ...vault.actions
        .filter(isReversible)
        .map(({ name }) => `second: test/plugins/second/${name}.test.ts does not call describeReversible`),
    ])
  })

  it('may have no other actions, as the one of the guide, and its suite may name it in the file of its world', async () => {
    expect(badges.actions).toEqual([])
    const world = await badgesWorld()
    await world.stop()
    expect(misplaced('/x/test/plugins/badges/badges-plugin.test.ts', world.plugin as AnyPlugin, EVERY)).toEqual([])
    const kebab: AnyPlugin = { ...badges, manifest: { ...badges.manifest, id: 'key-server' } }
    expect(misplaced('/x/test/plugins/key-server/a.test.ts', kebab, [kebab])).toEqual([])
    expect(misplaced('/x/test/plugins/badges/a.test.ts', kebab, [kebab])).toEqual([
      'test/plugins/badges tries the plugin key-server, whose suite belongs in test/plugins/key-server',
    ])
    const { discover: _, ...tried } = { ...kebab, grantAccess: { ...kebab.grantAccess! } }
    expect(misplaced('/x/test/plugins/key-server/a.test.ts', tried, [kebab])).toEqual(
      ['discover', 'grantAccess'].map(
        (part) => `the ${part} that is tried is not that of key-server in src/catalog/plugins.ts: only connect may be another`,
      ),
    )
  })

  it('has the very actions tried that it has in the catalog', () => {
    for (const action of vault.actions) {
      expect(misplacedAction(`/x/test/plugins/vault/${action.name}.test.ts`, action, plugins)).toEqual([])
      expect(misplacedAction(`/x/test/plugins/vault/${action.name}.test.ts`, { ...action }, plugins)).toEqual([
        `${action.name} is none of the actions of vault in src/catalog/plugins.ts`,
      ])
      expect(misplacedAction('/x/test/plugins/vault/another.test.ts', action, plugins)).toEqual([
        `another.test.ts tries ${action.name}, whose suite belongs in test/plugins/vault/${action.name}.test.ts`,
      ])
    }
  })
})

/** The tests of plugins, by their file below `test/plugins`. */
function suites(): ReadonlyMap<string, string> {
  const files = globSync('*/*.test.ts', { cwd: import.meta.dirname })
  return new Map(files.map((file) => [file, readFileSync(path.join(import.meta.dirname, file), 'utf8')]))
}

function untried(those: readonly AnyPlugin[], texts: ReadonlyMap<string, string>): string[] {
  return those.flatMap(({ manifest: { id }, actions }) => {
    const isTried = [...texts].some(([file, text]) => file.startsWith(`${id}/`) && /\bdescribePlugin\(/.test(text))
    const unproved = actions
      .filter(isReversible)
      .filter(({ name }) => !/\bdescribeReversible\(/.test(texts.get(`${id}/${name}.test.ts`) ?? ''))
    return [
      ...(isTried ? [] : [`${id}: no file in test/plugins/${id} calls describePlugin`]),
      ...unproved.map(({ name }) => `${id}: test/plugins/${id}/${name}.test.ts does not call describeReversible`),
    ]
  })
}
