import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { people } from '../../src/contract/people.ts'
import {
  accessRule,
  approval,
  approverSource,
  condition,
  customField,
  selector,
  stage,
  timeWindow,
} from '../../src/contract/rules.ts'
import { holdTable } from '../support/page-table.ts'
import { fieldsOf, HEAD, type Part, pathsIn } from '../support/rule-in-words.ts'

const PAGE = path.resolve(import.meta.dirname, '../../docs/access-flows.md')
const part = (heading: string, word: string, ...forms: z.ZodType[]): Part => ({
  heading,
  word,
  forms: forms.map((form) => z.toJSONSchema(form, { io: 'input' })),
})
const [comparison, ...lists] = condition.options
const below = lists.flatMap((option) => Object.values(option.shape).map((list) => list.element))
const belowThat = below
  .flatMap((one) => one.options.slice(1))
  .flatMap((option) => Object.values(option.shape).map((list) => list.element))
const lowest = comparison
const PARTS = [
  part('The rule', 'rule', accessRule),
  part('Requesters', 'requesters', accessRule.shape.requesters),
  part('Conditions', 'condition', condition, ...below, ...belowThat, lowest),
  part('Windows', 'window', timeWindow),
  part('Resources', 'selector', selector),
  part('Approval', 'approval', approval),
  part('Stages', 'stage', stage),
  part('Approvers', 'approver', approverSource),
  part('Fields', 'field', customField),
  part('People', 'people', people),
]

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
