import { expect } from 'vitest'
import { Jar } from './jar.ts'

/** What a person does on whatever device has a browser: opens the address that was shown, signs in, and says yes to the code. */
export async function confirmDevice(url: string, account: string): Promise<void> {
  const jar = new Jar()
  let page = await jar.get(url)
  for (let step = 0; step < 6 && page.text.includes('<form'); step++) {
    if (page.url.includes('/interaction/')) page = await jar.submit(page.url, { account })
    else {
      const action = /action="([^"]+)"/.exec(page.text)?.[1] ?? ''
      const fields = [...page.text.matchAll(/<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"/g)].map(([, name, value]) => [
        name,
        value,
      ])
      page = await jar.submit(new URL(action, page.url).href, { ...Object.fromEntries(fields), confirm: 'yes' })
    }
  }
  expect(page.text).toContain('Sign-in Success')
}
