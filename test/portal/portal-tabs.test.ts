import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { callAs, type PortalWorld, startPortalWorld } from '../support/portal-world.ts'

describe.each(await serversUnderTest())('two tabs of the portal, in Chromium, on $product $version', (binary) => {
  let portal: PortalWorld
  let alice: Page
  let bob: Page

  beforeAll(async () => {
    portal = await startPortalWorld(binary)
    alice = await portal.visit('Alice')
    bob = await portal.visit('Bob')
    const { id } = await callAs(bob, 'GET', '/api/me')
    const approval = { kind: 'approvers', users: [id], groups: [], needed: 1 }
    await portal.world.flow({ resources: [{ paths: ['kv/app/cache'] }], approval })
    await portal.world.flow({ resources: [{ types: ['vault-transit-key'] }] })
  })
  afterAll(() => portal?.close())

  const ask = async (name: string, permission: string, type?: string) => {
    const resources = [{ resourceId: await portal.world.resource(name, type), permissions: [permission] }]
    return callAs(alice, 'POST', '/api/access-requests', { resources, seconds: 3_600 })
  }
  const lent = async (): Promise<string> => {
    const { grantId } = await ask('transit/orders', 'encrypt', 'vault-transit-key')
    await callAs(alice, 'GET', `/api/grants/${grantId}?waitSeconds=30`)
    return grantId
  }

  /** A tab that has shown what there is, and whose next look at it gets no answer: what it learns then, it asks for itself. */
  async function deafTab(of: Page, where: string, asked: string): Promise<{ tab: Page; hears: () => void }> {
    const tab = await of.context().newPage()
    await tab.goto(portal.url + where)
    await tab.getByRole('button', { name: /Approve|Withdraw|Give back/ }).waitFor()
    let isDeaf = true
    await tab.route(`**${asked}`, (route) => (isDeaf ? undefined : route.continue()))
    await tab.waitForRequest(`**${asked}`)
    const hears = () => {
      isDeaf = false
    }
    return { tab, hears }
  }
  /** Presses, and hears again what the broker has once that is refused. */
  async function pressedInVain(tab: Page, name: string, hears: () => void): Promise<void> {
    tab.on('response', (response) => {
      if (response.status() === 409) hears()
    })
    await tab.getByRole('button', { name }).click()
  }

  it('an approver who comes too late is told so, sees what was decided, and is offered nothing more', async () => {
    const { id } = await ask('kv/app/cache', 'read')
    const { tab, hears } = await deafTab(bob, `/requests/${id}`, `/api/access-requests/${id}`)
    await bob.goto(`${portal.url}/requests/${id}`)
    await bob.getByRole('button', { name: 'Approve' }).click()
    await bob.getByText('Bob Baker approved').waitFor()

    await tab.getByLabel('Reason').fill('not today')
    await pressedInVain(tab, 'Reject', hears)
    await tab.getByText('The request is already approved.').waitFor()
    await tab.getByText('Bob Baker approved').waitFor()
    await tab.getByRole('button', { name: 'Reject' }).waitFor({ state: 'detached' })
    const shown = await tab.locator('main').innerText()
    expect(shown).toContain('Approved')
    expect(shown).not.toContain('Waiting')
    expect(await tab.getByRole('button', { name: 'Approve' }).count()).toBe(0)
    await tab.close()
  })

  it('a requester who withdraws twice sees that it is withdrawn', async () => {
    const { id } = await ask('kv/app/cache', 'list')
    const { tab, hears } = await deafTab(alice, `/requests/${id}`, `/api/access-requests/${id}`)
    await callAs(alice, 'POST', `/api/access-requests/${id}/cancel`)
    await pressedInVain(tab, 'Withdraw the request', hears)
    await tab.getByText('The request is already over.').or(tab.getByText('The request is already cancelled.')).waitFor()
    await tab.getByText('Withdrawn').waitFor()
    expect(await tab.getByRole('button', { name: 'Withdraw' }).count()).toBe(0)
    await tab.close()
  })

  it('a credential that cannot be shown any more is not offered any more', async () => {
    const id = await lent()
    const { tab, hears } = await deafTab(alice, `/grants/${id}`, `/api/grants/${id}`)
    await callAs(alice, 'POST', `/api/grants/${id}/give-back`)
    await pressedInVain(tab, 'Show the credential', hears)
    await tab.getByRole('button', { name: 'Show the credential' }).waitFor({ state: 'detached' })
    await tab.getByText('Ended early').waitFor()
    expect(await tab.getByRole('alert').innerText(), 'why nothing was shown').toMatch(/grant/i)
    await tab.close()
  })

  it('a page says by itself what was done in another tab', async () => {
    const [ended, opened] = [await lent(), await lent()]
    const [list, page] = [await alice.context().newPage(), await alice.context().newPage()]
    await list.goto(portal.url)
    await list.locator(`a[href="/grants/${ended}"]`).waitFor()
    await page.goto(`${portal.url}/grants/${opened}`)
    await page.getByRole('button', { name: 'Show the credential' }).waitFor()
    await callAs(alice, 'POST', `/api/grants/${ended}/give-back`)
    await callAs(alice, 'POST', `/api/grants/${opened}/open`)
    await list.locator(`a[href="/grants/${ended}/receipt"]`).waitFor()
    expect(await list.locator(`a[href="/grants/${ended}"]`).count()).toBe(0)
    await page.getByText('One was shown on').waitFor()
    expect(portal.complaints).toEqual([])
  })
})
