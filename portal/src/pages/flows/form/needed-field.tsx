import { NativeSelect } from '@mantine/core'
import { flows as words } from '../../../words-for-flows.ts'

const USUAL = [1, 2, 3, 4, 5]

interface Given {
  readonly value: unknown
  /** whether it may be all of them */
  readonly all?: boolean
  readonly error: string | undefined
  readonly onChange: (value: unknown) => void
}

export function NeededField({ value = 1, all = false, error, onChange }: Given) {
  const numbers = typeof value === 'number' && !USUAL.includes(value) ? [...USUAL, value] : USUAL
  return (
    <NativeSelect
      label={words.form.needed}
      error={error}
      maw="20rem"
      value={String(value)}
      onChange={({ currentTarget }) => onChange(currentTarget.value === 'all' ? 'all' : Number(currentTarget.value))}
      data={[
        ...numbers.map((one) => ({ value: String(one), label: words.form.neededOf(one) })),
        ...(all ? [{ value: 'all', label: words.form.neededAll }] : []),
      ]}
    />
  )
}
