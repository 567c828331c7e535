import { Button, Menu, useMantineColorScheme } from '@mantine/core'
import type { Me } from '../../../src/contract/identity.ts'
import { words } from '../words.ts'

const SCHEMES = ['light', 'dark', 'auto'] as const

/** Who is signed in; the colours; the way out. */
export function Account({ me, isLeaving, leave }: { readonly me: Me; readonly isLeaving: boolean; readonly leave: () => void }) {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Menu position="bottom-end" withinPortal={false}>
      <Menu.Target>
        <Button variant="default" loading={isLeaving} px="sm" maw="14rem">
          <span className="lk-unseen">{words.account.open(me.name)}</span>
          <span className="lk-wide lk-short" aria-hidden>
            {me.name}
          </span>
          <span className="lk-narrow" aria-hidden>
            {initialsOf(me.name)}
          </span>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{words.account.theme}</Menu.Label>
        {SCHEMES.map((scheme) => (
          <Menu.Item
            key={scheme}
            role="menuitemradio"
            aria-checked={scheme === colorScheme}
            fw={scheme === colorScheme ? 650 : undefined}
            onClick={() => setColorScheme(scheme)}
          >
            {words.account[scheme]}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={leave}>{words.account.signOut}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

/** Where there is no room for more. */
function initialsOf(name: string): string {
  const [first = '', ...others] = name.split(/\s+/).map((part) => /^\p{L}/u.exec(part)?.[0] ?? '')
  return first + (others.at(-1) ?? '')
}
