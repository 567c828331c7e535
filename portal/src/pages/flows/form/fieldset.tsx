import { Input, Stack, Text } from '@mantine/core'
import { type ReactNode, useId } from 'react'

interface Given {
  readonly legend: string
  readonly description?: string
  readonly error: string | undefined
  readonly children: ReactNode
}

/** Fields that belong together, with what the broker has against them. */
export function Fieldset({ legend, description, error, children }: Given) {
  const told = useId()
  return (
    <Stack gap="sm" component="fieldset" className="lk-fieldset" aria-describedby={told}>
      <legend>{legend}</legend>
      <div id={told} hidden={!description && !error}>
        {description && (
          <Text size="sm" c="dimmed">
            {description}
          </Text>
        )}
        {error && <Input.Error>{error}</Input.Error>}
      </div>
      {children}
    </Stack>
  )
}
