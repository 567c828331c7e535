import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { testFile } from '../support/test-files.ts'

const numbered = (prefix: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `${prefix}-${from + index}`)

/** Every row there is, shown or not: one that is missing on the page fails. */
const PROMISED = [
  ...numbered('M', 1, 10),
  ...numbered('S0', 1, 33),
  ...numbered('S1', 1, 39),
  ...numbered('S2', 1, 34),
  ...numbered('S2', 40, 44),
  ...numbered('S2', 50, 56),
  ...numbered('S3', 1, 22),
  ...numbered('S4', 1, 41),
  ...numbered('A', 1, 16),
  ...numbered('P', 1, 15),
]

const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/coverage.md'), 'utf8')
const [shownPart = '', openPart = ''] = page.split('## Not shown yet')
const rowsOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((cells) => /^[A-Z][0-9]?-[0-9]+$/.test(cells[1] ?? ''))
    .map(([, row = '', asked = '', last = '', missing = '']) => ({ row, asked, last, missing }))
const shown = rowsOf(shownPart)
const inPart = rowsOf(shownPart.split('## Shown in part')[1] ?? '')
const open = rowsOf(openPart)

describe('docs/coverage.md', () => {
  it('has every row there is, once, shown or with the reason why not', () => {
    const rows = [...shown, ...open].map(({ row }) => row)
    expect(new Set(rows).size).toBe(rows.length)
    expect(rows.toSorted()).toEqual(PROMISED.toSorted())
    expect([...shown, ...open].filter(({ asked, last }) => asked.length < 10 || last.length < 10)).toEqual([])
    expect(inPart.filter(({ missing }) => missing.length < 10)).toEqual([])
    expect(shown.filter(({ missing }) => missing !== '')).toEqual(inPart)
  })

  it('names tests that exist', () => {
    expect(shown.flatMap(({ row, last }) => missingTests(row, last))).toEqual([])
  })
})

describe('docs/security.md', () => {
  const security = readFileSync(path.resolve(import.meta.dirname, '../../docs/security.md'), 'utf8').replaceAll(/\s+/g, ' ')
  const promises = security.split('## What is promised')[1]?.split('## What is not')[0]?.split(' - **').slice(1) ?? []

  it('names of every promise a test that exists', () => {
    expect(promises.length).toBeGreaterThan(7)
    expect(promises.flatMap((promise) => missingTests(promise.split('**')[0]!, promise))).toEqual([])
  })

  it('shows by a test what else it says, but for its limits and what it advises', () => {
    const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/security.md'), 'utf8')
    const LIMITS = ['What is not', 'Reporting']
    const SAID =
      /^(#|\||<!--|Each sentence names|Which scope and which role|\d\. |Each time somebody approves|Accepting a proposal)/
    const unshown = page
      .split(/\n## /)
      .filter((section) => !LIMITS.some((limit) => section.startsWith(limit)))
      .flatMap((section) => section.split('\n').slice(1).join('\n').split(/\n\n/))
      .map((paragraph) => paragraph.replaceAll(/\s+/g, ' ').trim())
      .filter((paragraph) => paragraph !== '' && !SAID.test(paragraph) && !/`[\w-]+ › /.test(paragraph))
    expect(unshown).toEqual([])
  })

  it('names no test beside that there is not', () => {
    const named = security.match(/`[\w/-]+ › [^`]+`/g) ?? []
    expect(named.flatMap((each) => missingTests('the page', each))).toEqual([])
  })
})

function missingTests(where: string, text: string): string[] {
  const references = [...text.matchAll(/`([\w/-]+) › ([^`]+)`/g)]
  if (references.length === 0) return [`${where} names no test`]
  return references.flatMap(([, file = '', name = '']) => {
    const at = testFile(file)
    if (!at) return [`${where}: no test is called ${file}`]
    return readFileSync(at, 'utf8').includes(name) ? [] : [`${where}: ${file} has no “${name}”`]
  })
}
