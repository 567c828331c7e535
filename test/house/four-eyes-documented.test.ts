import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { deciders } from '../../src/changes/proposal-endings.ts'
import { type Proposed, proposalView } from '../../src/contract/proposals.ts'

const root = path.resolve(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')

/** The rows of the list in docs/operations.md, “Four eyes”: kind, change, who may propose it, who may accept it. */
function listed(): { kind: string; propose: string; accept: string }[] {
  const [, section = ''] = read('docs/operations.md').split('\n## Four eyes\n')
  const rows = section
    .split('\n## ')[0]!
    .split('\n')
    .filter((line) => /^\| `[a-z_]+\.[a-z_]+` \|/.test(line))
  return rows.map((line) => {
    const [kind = '', , propose = '', accept = ''] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', ''))
    return { kind, propose, accept }
  })
}

/** Who may propose each kind, as the code that makes the change says. */
function proposers(): Map<string, string> {
  const code = globSync('src/**/*.ts', { cwd: root }).map(read).join('\n')
  const kinds = code.matchAll(/kind: '([a-z_]+\.[a-z_]+)',\s*roles: \[([^\]]*)\]/g)
  return new Map([...kinds].map(([, kind = '', roles = '']) => [kind, roles.replaceAll("'", '')]))
}

describe('the list of changes that wait for a second person', () => {
  const kinds: readonly Proposed[] = proposalView.shape.kind.options
  const roles = proposers()

  it('has each kind of change that there is, and no other', () => {
    expect(kinds.length).toBeGreaterThan(15)
    expect(listed().map(({ kind }) => kind)).toEqual(kinds)
  })

  it('says who may propose each and who may accept it', () => {
    const told = Object.fromEntries(listed().map(({ kind, propose, accept }) => [kind, { propose, accept }]))
    const code = kinds.map((kind) => [kind, { propose: roles.get(kind), accept: deciders(kind).join(', ') }])
    expect(told).toEqual(Object.fromEntries(code))
  })
})
