import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/config/config-error.ts'
import { readConfig } from '../../src/config/read-config.ts'

const page = (name: string) => readFileSync(path.resolve(import.meta.dirname, '../../docs', name), 'utf8')

/** The variables in the first column of the page's tables. */
function documented(name: string): string[] {
  const cells = page(name).matchAll(/^\| (`[^|]+) \|/gm)
  const names = [...cells].flatMap(([, cell = '']) => [...cell.matchAll(/`((?:LATCHKEY|DATABASE)_[A-Z_]+)`/g)])
  return [...new Set(names.map(([, variable = '']) => variable))].sort()
}

/** The broker names what it knows to whoever sets something else. */
function known(): string[] {
  try {
    readConfig({ LATCHKEY_NONSENSE: '1' })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return (error.problems[0]?.fix.match(/(?:LATCHKEY|DATABASE)_[A-Z_]+/g) ?? []).sort()
  }
  return []
}

describe('the manual', () => {
  it('has every variable of the broker in a table, and no other', () => {
    expect(known().length).toBeGreaterThan(30)
    expect(documented('operations.md')).toEqual(known())
  })

  it('speaks of no variable that there is not', () => {
    const pages = ['operations.md', 'security.md', 'integrations/identity-provider.md', 'integrations/vault.md']
    const named = pages.flatMap((name) => page(name).match(/\bLATCHKEY_(?!CLI_)[A-Z_]+[A-Z]\b/g) ?? [])
    expect([...new Set(named)].filter((variable) => !known().includes(variable))).toEqual([])
  })

  it('leads to pages and headings that are there', () => {
    const root = path.resolve(import.meta.dirname, '../..')
    const from = [
      'README.md',
      'ARCHITECTURE.md',
      'docs/operations.md',
      'docs/security.md',
      'docs/integrations/identity-provider.md',
    ]
    const broken = from.flatMap((file) => {
      const text = readFileSync(path.join(root, file), 'utf8')
      const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)]
      return links.flatMap(([link, to = '', heading]) => {
        const at = to === '' ? path.join(root, file) : path.resolve(root, path.dirname(file), to)
        const isThere = heading === undefined ? existsSync(at) : headingsOf(at).includes(heading)
        return isThere ? [] : [`${file}: ${link}`]
      })
    })
    expect(broken).toEqual([])
  })
})

/** As GitHub makes anchors of them. */
function headingsOf(file: string): string[] {
  const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  )
}
