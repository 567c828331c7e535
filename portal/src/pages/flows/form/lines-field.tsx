import { Textarea } from '@mantine/core'
import { useState } from 'react'
import { isSame } from './loose.ts'

interface Given<Value> {
  readonly label: string
  readonly description: string
  readonly error: string | undefined
  readonly value: Value
  readonly read: (lines: readonly string[]) => Value
  readonly write: (value: Value) => string
  readonly onChange: (value: Value) => void
}

/** Several things, one a line. What was typed stands as it was typed for as long as it says what the value says. */
export function LinesField<Value>({ value, read, write, onChange, ...given }: Given<Value>) {
  const [typed, setTyped] = useState(() => write(value))
  const linesOf = (text: string) =>
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
  return (
    <Textarea
      {...given}
      autosize
      minRows={2}
      spellCheck={false}
      autoComplete="off"
      value={isSame(read(linesOf(typed)), value) ? typed : write(value)}
      onChange={({ currentTarget }) => {
        setTyped(currentTarget.value)
        onChange(read(linesOf(currentTarget.value)))
      }}
    />
  )
}
