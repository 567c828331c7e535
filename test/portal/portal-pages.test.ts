import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { callAs, type PortalWorld, startPortalWorld } from '../support/portal-world.ts'

describe.each(await serversUnderTest())('a page of the portal, in Chromium, on $product $version', (binary) => {
  let portal: PortalWorld
  let alice: Page
  let bob: Page
  let bobId: string

  beforeAll(async () => {
    portal = await startPortalWorld(binary)
    alice = await portal.visit('Alice')
    bob = await portal.visit('Bob')
    bobId = (await callAs(bob, 'GET', '/api/me')).id
    const { flow } = portal.world
    await flow({ resources: [{ types: ['vault-transit-key'] }] })
    await flow({
      resources: [{ paths: ['kv/app/cache'] }],
      approval: { kind: 'approvers', users: [bobId], groups: [], needed: 1 },
    })
  })
  afterAll(() => portal?.close())

  const ask = async (page: Page, resourceId: string, permission: string) => {
    const resources = [{ resourceId, permissions: [permission] }]
    return callAs(page, 'POST', '/api/access-requests', { resources, seconds: 3_600 })
  }
  const failing = { status: 500, json: { code: 'internal', message: 'it was tried in vain', requestId: 'tried' } }

  it('holds nothing of the page of another id: no credential, and no reason of a decision', async () => {
    const grants: string[] = []
    for (const key of ['transit/orders', 'transit/invoices']) {
      const keyId = await portal.world.resource(key, 'vault-transit-key')
      grants.push((await ask(alice, keyId, key === 'transit/orders' ? 'encrypt' : 'sign')).grantId)
    }
    const [other = '', opened = ''] = grants
    await alice.goto(`${portal.url}/grants/${other}`)
    await alice.getByRole('button', { name: 'Show the credential' }).waitFor()
    await alice.getByRole('link', { name: 'Latchkey' }).click()
    await alice.locator(`a[href="/grants/${opened}"]`).click()
    await alice.getByRole('button', { name: 'Show the credential' }).click()
    await alice.getByText('Copy it now').waitFor()
    const credential = /wrapping_token='([^']+)'/.exec(await alice.locator('main').innerText())?.[1] ?? 'none'
    expect(await alice.content()).toContain(credential)
    await alice.evaluate('history.go(-2)')
    await alice.waitForURL(`${portal.url}/grants/${other}`)
    await alice.getByText('transit/orders').first().waitFor()
    await alice.getByRole('button', { name: 'Show the credential' }).waitFor()
    expect(await alice.content()).not.toContain(credential)

    const cacheId = await portal.world.resource('kv/app/cache')
    const first = await ask(alice, cacheId, 'read')
    const second = await ask(alice, cacheId, 'list')
    await bob.goto(`${portal.url}/requests/${first.id}`)
    await bob.getByLabel('Reason').waitFor()
    await bob.getByRole('link', { name: /Approvals/ }).click()
    await bob.locator(`a[href="/requests/${second.id}"]`).click()
    await bob.getByLabel('Reason').fill('about the second alone')
    await bob.evaluate('history.go(-2)')
    await bob.waitForURL(`${portal.url}/requests/${first.id}`)
    await bob.locator('main').getByText('read').first().waitFor()
    expect(await bob.getByLabel('Reason').inputValue()).toBe('')

    await alice.goto(`${portal.url}/grants/${opened}`)
    const report = alice.getByRole('button', { name: 'That was not me' })
    await report.dblclick()
    await alice.getByRole('button', { name: 'Yes, end everything now' }).waitFor()
    expect((await callAs(alice, 'GET', `/api/grants/${opened}`)).state, 'asked once more, also after a double click').toBe(
      'active',
    )
    await alice.getByRole('button', { name: 'Yes, end everything now' }).click()
    await alice.getByText('Ended early').waitFor()
    await alice.route(`**/api/grants/${opened}/credential`, (route) => route.fulfill(failing))
    await alice.goto(`${portal.url}/grants/${opened}/receipt`)
    await alice.getByText('It was tried in vain').waitFor()
    await alice.unroute(`**/api/grants/${opened}/credential`)
    await alice.getByRole('button', { name: 'Try again' }).click()
    await alice.getByText('Alice Ames had the credential shown').waitFor()
  })

  it('asks for what it shows, and for nothing that was typed for another flow', async () => {
    const { flow, broker, resource } = portal.world
    const of = (permission: string) => ({
      resources: [{ paths: ['kv/team/payments/stripe'] }],
      permissions: { 'vault-kv-secret': [permission] },
    })
    await flow({ ...of('read'), fields: [{ type: 'text', key: 'ticket', label: 'Ticket number', required: true }] })
    await flow({ ...of('list'), fields: [{ type: 'yes_or_no', key: 'paged', label: 'Is anybody paged?' }] })
    const emergency = await flow({ ...of('list'), approval: { kind: 'emergency', alert: { users: [bobId], groups: [] } } })
    const stripe = await resource('kv/team/payments/stripe')
    const page = await portal.visit('Carol')
    await page.goto(`${portal.url}/ask?resource=${stripe}`)
    const read = page.getByRole('checkbox', { name: 'Read' })
    await read.check()
    await page.getByLabel('Ticket number').fill('T-17')
    await page.getByText('You get this at once, for 1 hour').waitFor()

    let release = () => {}
    const isHeld = new Promise<void>((held) => {
      const isReleased = new Promise<void>((go) => {
        release = go
      })
      void page.route('**/api/access-requests/dry-run', async (route) => {
        held()
        await isReleased
        await route.continue()
      })
    })
    await page.getByText('15 minutes', { exact: true }).click()
    await isHeld
    expect(await page.locator('[aria-live=polite]').innerText(), 'the former answer').toContain('for 1 hour')
    release()
    await page.getByText('You get this at once, for 15 minutes').waitFor()
    await page.unroute('**/api/access-requests/dry-run')

    await read.uncheck()
    await page.getByRole('checkbox', { name: 'List' }).check()
    await page.getByLabel('Is anybody paged?').check()
    await page.getByText('You get this at once, for 15 minutes').waitFor()
    await page.getByRole('switch', { name: 'This is an emergency' }).check()
    await page.getByText('This is not allowed as it stands').or(page.getByText('You get this at once')).first().waitFor()
    await broker.admin.must(broker.admin.patch(`/api/access-flows/${emergency.id}`, { active: false }))
    await page.reload()
    await page.getByText('You get this at once, for 15 minutes').waitFor()
    expect(await page.locator('main').innerText()).not.toMatch(/Infinity|emergency/)
    await page.getByRole('button', { name: 'Send the request' }).click()
    await page.getByRole('heading', { name: 'Your request' }).waitFor()
    expect(await page.locator('dt', { hasText: 'Is anybody paged?' }).locator('xpath=../dd').innerText()).toBe('Yes')
  })

  it('goes back to what was looked for before', async () => {
    await alice.goto(`${portal.url}/search?q=orders`)
    await alice.getByText('transit/orders').waitFor()
    await alice.getByRole('link', { name: 'Latchkey' }).click()
    await alice.getByRole('searchbox').fill('invoices')
    await alice.getByRole('button', { name: 'Search' }).click()
    await alice.getByText('transit/invoices').waitFor()
    await alice.evaluate('history.go(-2)')
    await alice.getByText('transit/orders').waitFor()
    expect(await alice.getByRole('searchbox').inputValue()).toBe('orders')
    expect(portal.complaints).toEqual([])
  })

  it('keeps what somebody typed for them alone, and forgets it when they sign out', async () => {
    const page = await portal.visit('Carol')
    const keyId = await portal.world.resource('transit/orders', 'vault-transit-key')
    const why = page.getByLabel('Why')
    const drafts = () => page.evaluate<string>('JSON.stringify({ ...sessionStorage })')
    const signIn = async (name: RegExp) => {
      await page.context().clearCookies()
      await page.goto(portal.url)
      await page.getByRole('link', { name: 'Sign in' }).click()
      await page.getByRole('button', { name }).click()
      await page.getByRole('heading', { name: 'What do you need?' }).waitFor()
      await page.goto(`${portal.url}/ask?resource=${keyId}`)
      await why.waitFor()
    }
    await page.goto(`${portal.url}/ask?resource=${keyId}`)
    await why.fill('what only Carol knows')
    await signIn(/Dana/)
    expect(await why.inputValue()).toBe('')
    await signIn(/Carol/)
    expect(await why.inputValue()).toBe('what only Carol knows')

    const signOut = async () => {
      await page.getByRole('button', { name: /Account of/ }).click()
      await page.getByRole('menuitem', { name: 'Sign out' }).click()
    }
    await page.route('**/auth/logout', (route) => route.fulfill(failing))
    await signOut()
    await page.getByText('You are still signed in').waitFor()
    expect(await why.inputValue()).toBe('what only Carol knows')
    await page.unroute('**/auth/logout')
    await signOut()
    await page.waitForURL((url) => url.pathname !== '/ask')
    await page.goto(portal.url)
    await page.getByRole('link', { name: 'Sign in' }).waitFor()
    expect(await drafts()).not.toContain('what only Carol knows')
  })
})
