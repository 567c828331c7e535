import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { accessRule } from '../../src/contract/rules.ts'
import { holdTable } from '../support/page-table.ts'
import { fieldsOf, HEAD, pathsIn } from '../support/rule-in-words.ts'
import { PARTS } from '../support/rule-parts.ts'

const PAGE = path.resolve(import.meta.dirname, '../../docs/access-flows.md')

describe('the page about access flows', () => {
  it.each(PARTS)('has a row for every field below “$heading”, and no other', (one) => {
    const rows = fieldsOf(one, PARTS)
    expect(rows.length).toBeGreaterThan(1)
    expect(rows.filter((row) => !row.at(-1)).map(([field]) => field)).toEqual([])
    holdTable(PAGE, one.heading, [HEAD, ...rows])
  })

  const examples = [...readFileSync(PAGE, 'utf8').matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(
    ([, json = '']) => JSON.parse(json) as unknown,
  )

  it('shows rules that the broker takes', () => {
    expect(examples.length).toBeGreaterThan(2)
    // The ids of people are theirs to fill in.
    const filled = JSON.stringify(examples).replaceAll(/(usr|grp)_…/g, `$1_${'0'.repeat(26)}`)
    const flaws = (JSON.parse(filled) as unknown[]).flatMap((rule) => accessRule.safeParse(rule).error?.issues ?? [])
    expect(flaws).toEqual([])
  })

  it('shows every field in one of them', () => {
    const shown = examples.flatMap(pathsIn)
    const fields = PARTS.flatMap((one) => fieldsOf(one, PARTS)).map(([cell = '']) => cell.split(' of ')[0]!.replaceAll('`', ''))
    expect(fields.filter((field) => !shown.some((path) => path === field || path.endsWith(`.${field}`)))).toEqual([])
  })
})
