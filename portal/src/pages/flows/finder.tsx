import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { forwardRef } from 'react'
import { flows as words } from '../../words-for-flows.ts'

interface Found {
  readonly id: string
  readonly name: string
  readonly detail: string | null
}

interface Given {
  readonly label: string
  readonly description?: string | undefined
  readonly error?: string | undefined
  readonly typed: string
  readonly onType: (typed: string) => void
  /** undefined while it is looked for */
  readonly found: readonly Found[] | undefined
  readonly none: string
  readonly choose: (name: string) => string
  readonly onChoose: (found: Found) => void
}

const SHOWN = 6

/** Things are found by a part of their name, and each is a button. */
export const Finder = forwardRef<HTMLInputElement, Given>(function Finder(given, ref) {
  const { label, description, error, typed, onType, found, none, choose, onChoose } = given
  return (
    <Stack gap="xs">
      <TextInput
        ref={ref}
        type="search"
        label={label}
        description={description}
        error={error}
        autoComplete="off"
        maxLength={200}
        value={typed}
        onChange={({ currentTarget }) => onType(currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') event.preventDefault() // it looks, and does not send the form
        }}
      />
      <Stack gap="xs" aria-live="polite">
        {typed.trim() !== '' && found && (
          <>
            <Group gap="xs">
              {found.slice(0, SHOWN).map((one) => (
                <Button key={one.id} variant="default" size="compact-sm" onClick={() => onChoose(one)}>
                  <span>
                    <bdi>{choose(one.name)}</bdi>
                    {one.detail && <bdi className="lk-dim"> {one.detail}</bdi>}
                  </span>
                </Button>
              ))}
            </Group>
            {found.length === 0 && <Text size="sm">{none}</Text>}
            {found.length > SHOWN && (
              <Text size="sm" c="dimmed">
                {words.form.manyMore}
              </Text>
            )}
          </>
        )}
      </Stack>
    </Stack>
  )
})
