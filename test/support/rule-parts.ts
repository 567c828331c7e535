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
import type { Part } from './rule-in-words.ts'

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

/** The parts of an access flow's rule. */
export const PARTS: readonly Part[] = [
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
