import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { badges } from '../../docs/examples/badges/plugin.ts'
import { plugins } from '../../src/catalog/plugins.ts'
import { type AnyPlugin, isReversible } from '../../src/sdk/index.ts'

const root = path.resolve(import.meta.dirname, '../..')
const page = readFileSync(path.join(root, 'docs/plugins.md'), 'utf8')
const EVERY: readonly AnyPlugin[] = [badges, ...plugins]

/** The members of an interface of the SDK, in the order they are written: `name`, and whether it may be left out. */
function membersOf(file: string, name: string): { member: string; mayBeAbsent: boolean }[] {
  const text = readFileSync(path.join(root, 'src/sdk', file), 'utf8')
  const body = new RegExp(`^(?:export )?interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(text)?.[1] ?? ''
  const members = [...body.matchAll(/^ {2}(?:readonly )?(\w+)(\?)?[(:]/gm)]
  return members.map(([, member = '', absent]) => ({ member, mayBeAbsent: absent !== undefined }))
}

/** The first table below a heading, cell by cell. */
function tableBelow(heading: string): string[][] {
  const part = page.slice(page.indexOf(`## ${heading}\n`)).split('\n## ')[0]!
  const lines = part.split('\n').filter((line) => line.startsWith('|'))
  return lines.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
}

const has = (part: unknown) => (part === undefined ? '' : 'yes')

describe('the guide to plugins', () => {
  it('has a row for every part of a plugin, and says which plugin has it', () => {
    const [head, , ...rows] = tableBelow('Parts')
    expect(head?.slice(2)).toEqual(EVERY.map(({ manifest }) => manifest.name))
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
        ...EVERY.map(({ grantAccess }) => has((grantAccess as unknown as Record<string, unknown>)[member])),
      ])
    expect(ofPlugin.length).toBeGreaterThan(18)
    expect(rows.map(([part, , ...cells]) => [part, ...cells])).toEqual([...ofPlugin, ...inAccess])
    expect(rows.filter(([, meaning]) => !meaning)).toEqual([])
  })

  it('has a row for every action of every plugin, and says what the action has', () => {
    const [head, , ...rows] = tableBelow('Actions there are')
    const optional = ['ActionBase', 'Reversible'].flatMap((name) => membersOf('action.ts', name)).filter((one) => one.mayBeAbsent)
    const members = optional.map(({ member }) => member).filter((member) => !['description', 'severity'].includes(member))
    expect(head).toEqual(['plugin', 'action', 'undo', ...members.map((member) => `\`${member}\``)])
    const expected = EVERY.flatMap(({ manifest, actions }) =>
      actions.map((action) => [
        manifest.name,
        `\`${action.name}\``,
        isReversible(action) ? 'yes' : '',
        ...members.map((member) => has((action as unknown as Record<string, unknown>)[member])),
      ]),
    )
    expect(rows).toEqual(expected)
  })

  it('has the conformance suite for every plugin and for each action that has an undo', () => {
    const suites = ['badges-plugin', 'vault/vault-plugin', 'vault/vault-grant-access'].map(
      (name) => `test/plugins/${name}.test.ts`,
    )
    const reversible = plugins.flatMap(({ actions }) =>
      actions.filter(isReversible).map(({ name }) => `test/plugins/vault/${name}.test.ts`),
    )
    expect(reversible.length).toBeGreaterThanOrEqual(3)
    const without = [...suites, ...reversible].filter((file) => {
      const text = readFileSync(path.join(root, file), 'utf8')
      return !/\bdescribe(Plugin|Reversible)\(/.test(text)
    })
    expect(without).toEqual([])
  })
})
