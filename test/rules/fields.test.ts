import { expect, it } from 'vitest'
import { fieldFlaws } from '../../src/access/rules/fields.ts'
import type { CustomField } from '../../src/contract/rules.ts'

const shared = { label: 'Why', key: 'why', required: false }
const text: CustomField = { ...shared, type: 'text', maxLength: 5, startsWith: 'IN' }
const plain: CustomField = { ...shared, type: 'text', maxLength: 5 }
const number: CustomField = { ...shared, type: 'number', min: 1, max: 9 }
const choice: CustomField = { ...shared, type: 'choice', options: ['a', 'b'] }

it.each<[CustomField, string | number | boolean | undefined, string | undefined]>([
  [text, undefined, undefined],
  [{ ...text, required: true }, undefined, 'is missing'],
  [{ ...text, required: true }, '', 'is missing'],
  [text, '', undefined],
  [text, 'IN123', undefined],
  [text, 'IN1234', 'is longer than 5 characters'],
  [text, 'XIN', 'must start with IN'],
  [text, 7, 'must be text'],
  [plain, 'XIN', undefined],
  [number, 1, undefined],
  [number, 9, undefined],
  [number, 0, 'must be at least 1'],
  [number, 10, 'must be at most 9'],
  [number, '5', 'must be a number'],
  [{ ...shared, type: 'number' }, -1e9, undefined],
  [{ ...shared, type: 'number', required: true }, 0, undefined],
  [{ ...shared, type: 'yes_or_no' }, false, undefined],
  [{ ...shared, type: 'yes_or_no' }, 'yes', 'must be true or false'],
  [choice, 'b', undefined],
  [choice, 'c', 'must be one of a, b'],
])('a field %o answered with %o has its flaw: %s', (field, value, flaw) => {
  expect(fieldFlaws([field], value === undefined ? {} : { why: value })).toEqual(flaw ? [`Why (why) ${flaw}`] : [])
})

it('says of every answer nobody asked for that it was not asked for, and takes no inherited one', () => {
  expect(fieldFlaws([plain], { other: 1, why: 'x', more: true })).toEqual([
    'the access flow has no field other',
    'the access flow has no field more',
  ])
  const named = { ...plain, key: 'constructor', required: true }
  expect(fieldFlaws([named], {})).toEqual(['Why (constructor) is missing'])
})
