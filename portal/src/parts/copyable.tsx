import { Button, CopyButton, Group } from '@mantine/core'
import { words } from '../words.ts'

/** Text to be taken elsewhere, as it is. */
export function Copyable({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <Group gap="xs" align="flex-start" className="lk-copyable">
      <pre className="lk-code lk-grow" data-label={label}>
        {text}
      </pre>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Button variant="default" size="compact-sm" mt={8} onClick={copy} aria-label={`${words.copy}: ${label}`}>
            {copied ? words.copied : words.copy}
          </Button>
        )}
      </CopyButton>
    </Group>
  )
}
