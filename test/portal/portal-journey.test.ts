import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { paste } from '../support/paste.ts'
import { type PortalWorld, startPortalWorld } from '../support/portal-world.ts'
import { tries } from '../support/world.ts'

/** Long enough for the slowest machine to read a secret in, short enough to be waited for. */
const LENT_SECONDS = 45
const BEYOND_THE_EDGE = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'

describe.each(await serversUnderTest())('the portal, in Chromium, on $product $version', (binary) => {
  let portal: PortalWorld
  let alice: Page
  let bob: Page
  let requestId: string
  let grantId: string
  let token: string

  beforeAll(async () => {
    portal = await startPortalWorld(binary)
    alice = await portal.visit('Alice')
    bob = await portal.visit('Bob')
    const { id: bobId } = await me(bob)
    const approval = { kind: 'approvers', users: [bobId], groups: [], needed: 1 }
    await portal.world.flow({
      approval,
      justification: 'required',
      maxSeconds: LENT_SECONDS,
      resources: [{ paths: ['kv/app/db'] }],
      permissions: { 'vault-kv-secret': ['read', 'list'] },
    })
    await portal.world.flow({ resources: [{ types: ['vault-transit-key'] }] })
  })
  afterAll(() => portal?.close())

  const me = (page: Page) => answer(page, '/api/me')
  // biome-ignore lint/suspicious/noExplicitAny: a test says itself what it expects
  const answer = (page: Page, path: string): Promise<any> => page.evaluate(async (asked) => (await fetch(asked)).json(), path)
  const idIn = (page: Page) => new URL(page.url()).pathname.split('/')[2]!

  it('a requester finds what they may ask for, sees before they ask what would come of it, and asks once', async () => {
    await alice.getByRole('searchbox').fill('app/d')
    await alice.getByRole('button', { name: 'Search' }).click()
    await alice.getByRole('link', { name: 'Ask for kv/app/db' }).click()
    const send = alice.getByRole('button', { name: 'Send the request' })
    expect(await send.isDisabled()).toBe(true)
    expect(await alice.getByRole('radio').count(), 'no time that is longer than what is allowed').toBe(1)
    await alice.getByRole('checkbox', { name: 'Read' }).check()
    await alice.getByText(/Bob Baker decides\. If approved, you get this for 45 seconds/).waitFor()
    await alice.getByLabel('Why').fill('<img src=x onerror=alert(1)> the invoice job fails')
    await send.dblclick()
    await alice.getByRole('heading', { name: 'Your request' }).waitFor()
    await alice.getByText('Bob Baker').first().waitFor()
    requestId = idIn(alice)
    expect((await answer(alice, '/api/access-requests')).items).toHaveLength(1)
  })

  it('an approver sees who, what, how long, why and what approving writes, and decides by pressing, not by looking', async () => {
    await bob.getByRole('link', { name: /Approvals/ }).click()
    await bob.getByRole('link', { name: /Review what Alice Ames asks for/ }).click()
    await bob.getByRole('heading', { name: 'Your decision', exact: true }).waitFor()
    const shown = await bob.locator('main').innerText()
    for (const told of [
      'Alice Ames',
      'kv/app/db',
      '45 seconds',
      '<img src=x onerror=alert(1)>',
      'read kv/app/db, and nothing else',
    ])
      expect(shown).toContain(told)
    await bob.getByText('Exactly what is written').click()
    expect(await bob.locator('main').innerText()).toContain('kv/data/app/db')
    await bob.reload()
    expect((await answer(bob, `/api/access-requests/${requestId}`)).state, 'looked at and not decided').toBe('pending')

    await bob.getByRole('button', { name: 'Reject' }).click()
    await bob.getByText('Say why you reject it.').waitFor()
    await bob.getByRole('button', { name: 'Approve' }).dblclick()
    await bob.getByText('Bob Baker approved').waitFor()
    await bob.goBack()
    expect((await answer(bob, `/api/access-requests/${requestId}`)).approvals).toHaveLength(1)
  })

  it('the requester reads the secret with the commands that are shown, and the credential is nowhere once they leave', async () => {
    await alice.getByRole('link', { name: 'Go to your access' }).click()
    await alice.getByRole('button', { name: 'Show the credential' }).click()
    await alice.getByText('Copy it now').waitFor()
    const [prepare = '', ...usage] = await alice.locator('pre[data-label*="command"]').allInnerTexts()
    grantId = idIn(alice)
    const { printed } = await paste(binary, {}, [
      ...prepare.split('\n'),
      ...usage,
      `echo "$${binary.product === 'vault' ? 'VAULT' : 'BAO'}_TOKEN"`,
    ])
    expect(printed).toContain('orange')
    token = printed.trim().split('\n').at(-1)!
    expect(await tries(portal.vault, token, 'GET', 'kv/data/app/db')).toBe(200)

    const credential = /wrapping_token='([^']+)'/.exec(prepare)?.[1] ?? 'none'
    expect(await alice.content()).toContain(credential)
    expect(await violations(alice)).toEqual([])
    await alice.getByRole('link', { name: 'Latchkey' }).click()
    await alice.getByText('left').first().waitFor()
    await alice.goBack()
    await alice.getByText('One was shown on').waitFor()
    const kept = await alice.evaluate<string>(
      'JSON.stringify([{ ...sessionStorage }, { ...localStorage }, history.state, location.href])',
    )
    expect(await alice.content()).not.toContain(credential)
    expect(kept).not.toContain(credential)
    expect(portal.complaints.join('\n')).not.toContain(credential)
  })

  it.each(['light', 'dark'] as const)(
    'shows every page so that everybody can read it, and cuts nothing off on a telephone: %s',
    async (scheme) => {
      const page = await portal.visit('Alice', { width: 360, scheme })
      const resourceId = await portal.world.resource('kv/app/db')
      const pages = [
        '/',
        '/search?q=',
        `/ask?resource=${resourceId}`,
        `/requests/${requestId}`,
        `/grants/${grantId}`,
        `/grants/${grantId}/receipt`,
        '/approvals',
        '/nothing',
      ]
      for (const where of pages) {
        await page.goto(portal.url + where)
        await page.getByRole('heading', { level: 1 }).waitFor()
        await page.locator('[role=status]').first().waitFor({ state: 'detached' })
        const overflow = await page.evaluate<number>(BEYOND_THE_EDGE)
        expect({ where, overflow }).toEqual({ where, overflow: 0 })
        expect({ where, found: await violations(page) }).toEqual({ where, found: [] })
      }
    },
  )

  it('what somebody typed is kept while they sign in again', async () => {
    const page = await portal.visit('Carol')
    const keyId = await portal.world.resource('transit/orders', 'vault-transit-key')
    await page.goto(`${portal.url}/ask?resource=${keyId}`)
    await page.getByRole('checkbox', { name: 'Encrypt' }).check()
    await page.getByLabel('Why').fill('half a sentence')
    const { id } = await me(page)
    await portal.world.broker.admin.must(portal.world.broker.admin.delete(`/api/users/${id}/sessions`))
    await page.getByRole('button', { name: 'Send the request' }).click()
    await page.getByRole('link', { name: 'Sign in' }).first().click()
    await page.getByRole('button', { name: /Carol/ }).or(page.getByLabel('Why')).first().waitFor()
    if (page.url().includes('/interaction/')) await page.getByRole('button', { name: /Carol/ }).click()
    expect(await page.getByLabel('Why').inputValue()).toBe('half a sentence')
    expect(await page.getByRole('checkbox', { name: 'Encrypt' }).isChecked()).toBe(true)
    await page.getByRole('button', { name: 'Send the request' }).click()
    await page.getByRole('link', { name: 'Go to your access' }).waitFor()
  })

  it('gives access back with the keyboard alone', async () => {
    const page = await portal.visit('Carol')
    const press = async (name: string) => {
      const wanted = page.getByRole('button', { name }).or(page.getByRole('link', { name }))
      await wanted.first().waitFor()
      for (let tabs = 0; tabs < 40; tabs += 1) {
        await page.keyboard.press('Tab')
        if (await wanted.first().evaluate((one) => one.matches(':focus'))) return page.keyboard.press('Enter')
      }
      throw new Error(`${name} cannot be reached with the keyboard`)
    }
    await press('Use it')
    await press('Give back')
    await page.getByRole('button', { name: 'Yes, end it now' }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByText('Ended early').waitFor()
    await press('Receipt')
    await page.getByText('Everything was proved gone').waitFor()
  })

  it('the token is refused when the time is up, and the receipt is on the screen', async () => {
    await waitFor(
      'the end',
      async () => (await tries(portal.vault, token, 'GET', 'kv/data/app/db')) === 403,
      LENT_SECONDS * 2_000,
    )
    await alice.goto(`${portal.url}/grants/${grantId}/receipt`)
    await alice.getByText('Everything was proved gone').waitFor()
    const shown = await alice.locator('main').innerText()
    for (const told of ['Alice Ames asked', 'Bob Baker approved', 'Alice Ames had the credential shown', 'Ended on time']) {
      expect(shown).toContain(told)
    }
    expect(shown.match(/^Gone$/gm)?.length).toBeGreaterThanOrEqual(4)
    expect(shown).not.toContain('Not proved gone')
  })

  it('talks to nobody but the broker, and breaks no rule of its page', () => {
    expect(portal.complaints).toEqual([])
  })
})

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations: found } = await page.evaluate<axe.AxeResults>('axe.run()')
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
}
