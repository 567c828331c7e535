import { readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'vitest'

/** The first table below a heading of a page, line by line. */
export function tableBelow(page: string, heading: string): { lines: string[]; cells: string[][] } {
  const [, below = ''] = readFileSync(page, 'utf8').split(new RegExp(`^##+ ${heading}\\n`, 'm'))
  const lines = below
    .split(/^##/m)[0]!
    .split('\n')
    .filter((line) => line.startsWith('|'))
  const cells = lines.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
  return { lines, cells }
}

/** Holds the table to what it must be; with UPDATE_DOCS=1 it is written instead, so that nobody writes its rows by hand. */
export function holdTable(page: string, heading: string, expected: readonly (readonly string[])[]): void {
  const { lines, cells } = tableBelow(page, heading)
  if (process.env['UPDATE_DOCS'] === '1') {
    const [head, ...rows] = expected.map((row) => `| ${row.join(' | ')} |`)
    const written = [head, `|${expected[0]!.map(() => '---|').join('')}`, ...rows]
    writeFileSync(
      page,
      readFileSync(page, 'utf8').replace(lines.join('\n'), () => written.join('\n')),
    )
    return
  }
  expect(cells.toSpliced(1, 1), 'UPDATE_DOCS=1 writes it').toEqual(expected)
}
