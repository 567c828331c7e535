import { Button } from '@mantine/core'
import { flows as words } from '../../../words-for-flows.ts'

/** Takes one of several away; a screen reader is told which. */
export function RemoveButton({ name, onClick }: { readonly name: string; readonly onClick: () => void }) {
  return (
    <Button variant="subtle" size="compact-sm" aria-label={words.form.removeNamed(name)} onClick={onClick}>
      {words.form.remove}
    </Button>
  )
}
