import { describe, expect, it } from 'vitest'
import { firstUnapprovable } from '../../src/approvals/stages/enough-approvers.ts'
import {
  approvedSeconds,
  type Decision,
  decide,
  firstOpen,
  isRepeated,
  mayDecide,
  type Stage,
  stagesOf,
} from '../../src/approvals/stages/stages.ts'
import { meet } from '../../src/identity/callers/hands.ts'
import { rule, userId } from './rules.ts'

/** `party('ann bob', 1)` */
const party = (people: string, needed: number) => ({ people: new Set(people.split(' ').filter(Boolean)), needed })
const stage = (...parties: Stage['parties']): Stage => ({ parties, escalatesAfterSeconds: null })
const once = (...stages: Stage[]) => ({ stages, mayRepeat: false })
const again = (...stages: Stage[]) => ({ stages, mayRepeat: true })

/** `says('ann', 'approve', 0)`, with their own hands unless given */
const says = (approverId: string, decision: 'approve' | 'reject', at = 0, hands = [approverId], seconds: number | null = null) =>
  ({ approverId, hands, decision, stage: at, seconds }) satisfies Decision

describe('the stages of a rule', () => {
  it('are none where nobody is asked', () => {
    expect(stagesOf(rule().approval)).toEqual([])
    expect(stagesOf(rule({ approval: { kind: 'emergency', alert: { users: [userId(1)] } } }).approval)).toEqual([])
  })

  it('are one for the short form, and as they are written else', () => {
    expect(stagesOf(rule({ approval: { kind: 'approvers', users: [userId(1)], needed: 2 } }).approval)).toEqual([
      { approvers: [{ kind: 'people', users: [userId(1)], groups: [] }], needed: 2 },
    ])
    const stages = [{ approvers: [{ kind: 'manager' }], needed: 'all' }]
    expect(stagesOf(rule({ approval: { kind: 'stages', stages } }).approval)).toEqual(stages)
  })
})

describe('a stage', () => {
  const two = once(stage(party('ann bob cyd', 2)))
  it.each<[string, Decision[], 'approve' | 'reject' | undefined]>([
    ['nobody decided', [], undefined],
    ['too few agreed', [says('ann', 'approve')], undefined],
    ['enough agreed', [says('ann', 'approve'), says('bob', 'approve')], 'approve'],
    ['one agreed twice', [says('ann', 'approve'), says('ann', 'approve')], undefined],
    ['two agreed with one pair of hands', [says('ann', 'approve'), says('bob', 'approve', 0, ['bob', 'ann'])], undefined],
    ['one refused', [says('ann', 'approve'), says('bob', 'approve'), says('cyd', 'reject')], 'reject'],
    ['a stranger refused', [says('ann', 'approve'), says('bob', 'approve'), says('dan', 'reject')], 'approve'],
    ['a stranger agreed', [says('ann', 'approve'), says('dan', 'approve')], undefined],
    ['it was refused in another stage', [says('ann', 'reject', 1)], undefined],
    ['it was agreed to in another stage', [says('ann', 'approve'), says('bob', 'approve', 1)], undefined],
  ])('comes to its decision when %s', (_, decisions, expected) => {
    expect(decide(two, 0, decisions)).toBe(expected)
  })

  it('needs every one of its parties', () => {
    const both = once(stage(party('ann bob', 1), party('cyd', 1)))
    expect(decide(both, 0, [says('ann', 'approve')])).toBeUndefined()
    expect(decide(both, 0, [says('cyd', 'approve')])).toBeUndefined()
    expect(decide(both, 0, [says('bob', 'approve'), says('cyd', 'approve')])).toBe('approve')
    expect(mayDecide(both.stages[0]!, 'cyd')).toBe(true)
    expect(mayDecide(both.stages[0]!, 'dan')).toBe(false)
  })

  it('decides nothing when it is none', () => {
    expect(decide(two, 1, [says('ann', 'approve', 1), says('ann', 'reject', 1)])).toBeUndefined()
  })

  it('counts somebody in one stage alone unless the rule lets them repeat', () => {
    const [first, second] = [stage(party('ann bob', 1)), stage(party('ann cyd', 1))]
    const twice = [says('ann', 'approve', 0), says('ann', 'approve', 1)]
    expect(decide(once(first, second), 1, twice)).toBeUndefined()
    expect(decide(again(first, second), 1, twice)).toBe('approve')
    expect(firstOpen(once(first, second), twice)).toBe(1)
    expect(firstOpen(again(first, second), twice)).toBeUndefined()
    expect(firstOpen(once(first, second), [says('ann', 'approve', 1)])).toBe(0)
    expect(firstOpen(once(first, second), [])).toBe(0)
    expect(firstOpen(once(), [])).toBeUndefined()
  })

  it('frees somebody for a later stage who may not decide in the earlier one any more', () => {
    const asked = once(stage(party('bob', 1)), stage(party('ann', 1)))
    expect(decide(asked, 1, [says('ann', 'approve', 0), says('ann', 'approve', 1)])).toBe('approve')
    expect(decide(asked, 1, [says('ann', 'approve', 7), says('ann', 'approve', 1)])).toBe('approve')
    expect(decide(asked, 1, [says('bob', 'reject', 0), says('ann', 'approve', 1, ['ann', 'bob'])])).toBe('approve')
  })

  it.each<[string, Decision, boolean, boolean]>([
    ['of the same stage', says('ann', 'approve', 1, ['ann', 'x']), true, true],
    ['of another stage', says('ann', 'approve', 0), true, false],
    ['of other hands', says('bob', 'approve', 1), false, false],
    ['which was a refusal', says('ann', 'reject', 1), false, false],
  ])('takes an approval for a repetition of one %s', (_, before, whenOnce, whenAgain) => {
    expect(isRepeated({ mayRepeat: false }, 1, [before], ['ann', 'y'])).toBe(whenOnce)
    expect(isRepeated({ mayRepeat: true }, 1, [before], ['ann', 'y'])).toBe(whenAgain)
  })
})

describe('the time of an access', () => {
  it('is the shortest that any approver allowed, and never longer than asked', () => {
    expect(approvedSeconds(100, [])).toBe(100)
    expect(approvedSeconds(100, [says('ann', 'approve')])).toBe(100)
    expect(approvedSeconds(100, [says('ann', 'approve', 0, [], 60), says('bob', 'approve', 1, [], 30)])).toBe(30)
    expect(approvedSeconds(100, [says('ann', 'approve', 0, [], 200)])).toBe(100)
    expect(approvedSeconds(100, [says('ann', 'reject', 0, [], 10)])).toBe(100)
  })
})

describe('hands', () => {
  it('meet when one of them is in both', () => {
    expect(meet(['a', 'b'], ['c', 'b'])).toBe(true)
    expect(meet(['a', 'b'], ['c'])).toBe(false)
    expect(meet([], [])).toBe(false)
  })
})

describe('the first stage that nobody can approve', () => {
  it.each([
    ['none, for none', once(), undefined],
    ['none, with just enough people', once(stage(party('ann bob', 2))), undefined],
    ['one with too few', once(stage(party('ann', 1)), stage(party('ann', 2))), 1],
    ['one with nobody', once(stage(party('', 1))), 0],
    ['one that nobody is needed for', once(stage(party('ann', 0))), 0],
    ['one with a party too few', once(stage(party('ann bob', 1), party('cyd', 2))), 0],
    ['the second, for the same person', once(stage(party('ann', 1)), stage(party('ann', 1))), 1],
    ['none, when they may repeat', again(stage(party('ann', 1)), stage(party('ann', 1))), undefined],
    ['none, when somebody else can step in before', once(stage(party('ann bob', 1)), stage(party('ann', 1))), undefined],
    [
      'none, when two step aside one after the other',
      once(stage(party('ann bob', 1)), stage(party('bob cyd', 1)), stage(party('ann', 1)), stage(party('bob', 1))),
      3,
    ],
    [
      'none, down a row of three',
      once(stage(party('ann bob', 1)), stage(party('bob cyd', 1)), stage(party('ann', 1))),
      undefined,
    ],
    [
      'the one whose tightest party is too small',
      once(stage(party('ann', 1)), stage(party('bob cyd dan', 1), party('ann', 1))),
      1,
    ],
    [
      'none, by the party with the fewest to spare',
      once(stage(party('ann', 1)), stage(party('ann bob', 1), party('bob', 1))),
      undefined,
    ],
    ['the one whose first party is too small', once(stage(party('ann', 1)), stage(party('ann', 1), party('bob cyd dan', 1))), 1],
    ['the one of which the first party is', once(stage(party('ann', 1)), stage(party('ann', 1), party('bob', 1))), 1],
    ['the one of which the last party is', once(stage(party('ann', 1)), stage(party('bob', 1), party('ann', 1))), 1],
    ['one with a party too few, though people may repeat', again(stage(party('ann bob', 1), party('cyd', 2))), 0],
    ['one after a stage that takes everybody', once(stage(party('e f g', 1), party('a b c d', 4)), stage(party('a', 1))), 1],
    ['the second of two that need two of three', once(stage(party('a b c', 2)), stage(party('a b c', 2))), 1],
    ['none, of two that need two of four', once(stage(party('a b c d', 2)), stage(party('a b c d', 2))), undefined],
  ])('is %s', (_, asked, expected) => {
    expect(firstUnapprovable(asked)).toBe(expected)
  })
})
