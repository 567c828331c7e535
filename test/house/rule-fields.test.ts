import { describe, expect, it } from 'vitest'
import { fieldsOf } from '../support/rule-in-words.ts'
import { PARTS } from '../support/rule-parts.ts'
import { house } from '../support/whole-house.ts'

/** Which files decide by a part of a rule, and what they call it there. What only checks, shows or offers a field does not count. */
const DECIDED: Readonly<Record<string, { readonly as: string; readonly in: readonly string[] }>> = {
  'The rule': {
    as: 'rule',
    in: [
      'src/access/rules/evaluate.ts',
      'src/access/requests/requests.service.ts',
      'src/approvals/requests/submissions.ts',
      'src/approvals/requests/waiting.ts',
      'src/approvals/stages/stages.ts',
    ],
  },
  Requesters: { as: 'requesters', in: ['src/access/rules/evaluate.ts', 'src/approvals/stages/rule-people.ts'] },
  Conditions: { as: 'condition|Comparison', in: ['src/access/rules/conditions.ts'] },
  Windows: { as: 'window', in: ['src/platform/time-windows.ts'] },
  Resources: { as: 'selector', in: ['src/access/rules/evaluate.ts'] },
  Approval: {
    as: 'approval',
    in: ['src/approvals/requests/submissions.ts', 'src/approvals/reviews/reviews.service.ts', 'src/approvals/stages/stages.ts'],
  },
  Stages: { as: 'stage', in: ['src/approvals/stages/approvers.ts'] },
  Approvers: { as: 'source', in: ['src/approvals/stages/approvers.ts'] },
  Fields: { as: 'field', in: ['src/access/rules/fields.ts'] },
  People: { as: 'people', in: ['src/approvals/stages/approvers.ts'] },
}

describe('the rule of an access flow', () => {
  it.each(PARTS)('has no field below “$heading” that nothing decides by', ({ heading }) => {
    const fields = PARTS.filter((part) => part.heading === heading).flatMap((part) => fieldsOf(part, PARTS))
    expect(fields.length).toBeGreaterThan(1)
    expect(undecided(heading, fields)).toEqual([])
  })

  it.each(PARTS)('would not have one unnoticed below “$heading”', ({ heading }) => {
    // A name that stands in those files for something else is no field of a rule either.
    const planted = ['`maxResources`', '`id`', '`extensions.perDay`', '`kind`: `lottery`']
    expect(
      undecided(
        heading,
        planted.map((field) => [field]),
      ),
    ).toEqual(planted)
  })
})

function undecided(heading: string, fields: readonly (readonly string[])[]): string[] {
  const { as, in: files } = DECIDED[heading]!
  const text = files.map((file) => house.code.get(file)!).join('\n')
  return fields.map(([cell = '']) => cell).filter((cell) => !decidesBy(text, as, cell))
}

/** By a word, where it is said; by a field, where it is taken out of what it belongs to. */
function decidesBy(text: string, as: string, cell: string): boolean {
  const [path = '', word] = [...cell.split(' of ')[0]!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
  if (word !== undefined) return text.includes(`'${word}'`)
  const [name, owner = as] = path.split('.').toReversed()
  const taken = [
    `\\b(${owner})\\??\\.${name}\\b`,
    `'${name}' in (${owner})\\b`,
    `\\{[^{}]*\\b${name}\\b[^{}]*\\}\\s*[=:] [\\w.]*\\b(${owner})\\b`,
  ]
  return taken.some((one) => new RegExp(one).test(text))
}
