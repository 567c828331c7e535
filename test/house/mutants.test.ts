import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { mutated } from '../mutants/copy.ts'
import { filesOf, RULE_GROUPS, SPARED, testsOf } from '../mutants/rule-groups.ts'
import { sampleOf } from '../mutants/sample.ts'
import { MUTANTS } from '../mutants/table.ts'
import { testFile } from '../support/test-files.ts'

const root = path.resolve(import.meta.dirname, '../..')

describe('the table of planted bugs', () => {
  it('has bugs that can be planted, each once, in the code as it is', () => {
    const wrong = MUTANTS.flatMap((mutant) => {
      try {
        mutated(mutant, readFileSync(path.join(root, mutant.file), 'utf8'))
        return mutant.find === mutant.replace ? [`“${mutant.bug}” changes nothing`] : []
      } catch (error) {
        return [String(error)]
      }
    })
    expect(wrong).toEqual([])
    expect(new Set(MUTANTS.map(({ file, bug }) => `${file}: ${bug}`)).size).toBe(MUTANTS.length)
  })

  it('names suites that exist, or says why the bug cannot be told from the original', () => {
    const wrong = MUTANTS.filter(({ suites, equivalent }) => {
      const missing = suites.some((suite) => testFile(suite) === undefined)
      return missing || (suites.length === 0) !== (equivalent !== undefined && equivalent.length > 20)
    })
    expect(wrong.map(({ bug }) => bug)).toEqual([])
  })

  it('names tests that are there, where it names some of a suite', () => {
    const missing = MUTANTS.filter(({ suites, only }) => {
      const texts = suites.flatMap((suite) => testFile(suite) ?? []).map((file) => readFileSync(file, 'utf8'))
      return only !== undefined && !texts.some((text) => text.includes(only))
    })
    expect(missing.map(({ bug, only }) => `${bug}: ${only}`)).toEqual([])
  })

  it('is tried in samples: one for a day, another the next, and all in their turn', () => {
    const items = Array.from({ length: 23 }, (_, index) => index)
    const day = 86_400_000
    const at = 20_000 * day
    expect(sampleOf(items, 5, at + day - 1)).toEqual(sampleOf(items, 5, at))
    const days = Array.from({ length: 5 }, (_, after) => sampleOf(items, 5, at + after * day))
    expect(Math.max(...days.map(({ length }) => length))).toBe(5)
    expect(days.flat().toSorted((one, other) => one - other)).toEqual(items)
    expect(sampleOf(items, 40, at)).toEqual(items)
  })
})

describe('the groups of rules', () => {
  it('name files that exist, and give a reason for every bug that is spared', () => {
    for (const group of RULE_GROUPS) expect([filesOf(group), testsOf(group)], group.name).not.toContainEqual([])
    expect(SPARED.filter(({ why }) => why.length < 20)).toEqual([])
  })
})
