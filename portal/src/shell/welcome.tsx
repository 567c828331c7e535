import { Button, Stack, Text, Title } from '@mantine/core'
import { useEffect } from 'react'
import { signInAddress } from '../data/session.ts'
import icon from '../icon.svg'
import { words } from '../words.ts'

/** For a browser in which nobody is signed in. */
export function Welcome() {
  useEffect(() => {
    document.title = words.app
  }, [])
  return (
    <main className="lk-main" id="content">
      <Stack align="flex-start" gap="md" mt="12vh">
        <img src={icon} alt="" width={56} height={56} />
        <Title order={1}>{words.session.welcome}</Title>
        <Text size="lg" c="dimmed" maw="36rem">
          {words.session.welcomeText}
        </Text>
        <Button component="a" href={signInAddress()} size="md" mt="sm">
          {words.session.signIn}
        </Button>
      </Stack>
    </main>
  )
}
