import { Group, NativeSelect, TextInput } from '@mantine/core'
import { useState } from 'react'
import { flows as words } from '../../../words-for-flows.ts'

const SIZES = [86_400, 3_600, 60] as const

interface Given {
  readonly label: string
  readonly error: string | undefined
  readonly seconds: unknown
  readonly onChange: (seconds: unknown) => void
}

/** A time as people say it; the rule has it in seconds. What is no number is sent as it was typed, and the broker says so. */
export function TimeField({ label, error, seconds, onChange }: Given) {
  const [typed, setTyped] = useState(() => saidOf(seconds))
  const shown = secondsOf(typed) === seconds ? typed : saidOf(seconds)
  const change = (now: typeof typed) => {
    setTyped(now)
    onChange(secondsOf(now))
  }
  const sizes = SIZES.some((size) => size === shown.size) ? SIZES : [...SIZES, shown.size]
  return (
    <Group align="flex-end" gap="sm">
      <TextInput
        label={label}
        error={error}
        inputMode="numeric"
        autoComplete="off"
        w="12rem"
        value={shown.count}
        onChange={({ currentTarget }) => change({ ...shown, count: currentTarget.value })}
      />
      <NativeSelect
        aria-label={words.form.unit}
        value={String(shown.size)}
        onChange={({ currentTarget }) => change({ ...shown, size: Number(currentTarget.value) })}
        data={sizes.map((size) => ({ value: String(size), label: words.form.units[size] ?? '' }))}
      />
    </Group>
  )
}

interface Said {
  readonly count: string
  readonly size: number
}

function secondsOf({ count, size }: Said): unknown {
  if (count.trim() === '') return undefined
  const number = Number(count)
  return Number.isFinite(number) ? number * size : count
}

function saidOf(seconds: unknown): Said {
  if (typeof seconds !== 'number') return { count: typeof seconds === 'string' ? seconds : '', size: 3_600 }
  const size = SIZES.find((one) => seconds % one === 0) ?? 1
  return { count: String(seconds / size), size }
}
