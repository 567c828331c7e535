import axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { startBrowser } from '../../dev/demo/chromium.ts'
import type { ServerBinary } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { type Broker, BUILT_PORTAL, startBroker } from './broker.ts'
import { startSignInWorld } from './idp.ts'
import { furnished, inhabit, type World } from './world.ts'

export interface PortalWorld {
  readonly world: World<Broker>
  readonly vault: VaultServer
  readonly url: string
  /** the broker at that address */
  readonly broker: Broker
  readonly browser: Browser
  /** a browser of their own, in which they signed in from the portal's first page */
  visit(name: string, options?: { readonly width?: number; readonly scheme?: 'light' | 'dark' }): Promise<Page>
  /** Dana's, whose group are admins of the broker */
  visitAsAdmin(options?: Parameters<PortalWorld['visit']>[1]): Promise<Page>
  /** what no page should do: calls to others, complaints of the browser, faults of scripts */
  readonly complaints: readonly string[]
  close(): Promise<void>
}

/**
 * A server, a daemon with its portal, the company's identity provider, and a browser: what people have before them.
 * @param fourEyes a second person accepts what is changed at that daemon; the world was set up through another one, by one person
 */
export async function startPortalWorld(
  binary: ServerBinary,
  settings: Record<string, unknown> = {},
  { fourEyes = false } = {},
): Promise<PortalWorld> {
  const browser = await startBrowser()
  if (!browser) throw new Error('there is no Chromium: .ci/run installs it')
  const [vault, company] = await Promise.all([
    startVaultServer({ binary }),
    startSignInWorld({ portal: BUILT_PORTAL, config: { fourEyes } }),
  ])
  const { database, key } = company.broker
  const home = fourEyes ? await startBroker({ database, key }) : company.broker
  const world = await inhabit(home, vault, await furnished(vault, settings))
  const { url } = company.broker
  const complaints: string[] = []

  function watch(page: Page): void {
    page.on('request', (request) => {
      const { origin } = new URL(request.url())
      const isSignIn = origin === company.idp.issuer && request.isNavigationRequest()
      if (origin !== url && !isSignIn) complaints.push(`called ${request.url()}`)
    })
    page.on('console', (message) => {
      // That a call was refused is no fault; what the page makes of it is looked at where it is tried.
      if (!message.text().startsWith('Failed to load resource')) complaints.push(`console: ${message.text()}`)
    })
    page.on('pageerror', (error) => complaints.push(`fault: ${error.message}`))
  }

  const visit: PortalWorld['visit'] = async (name, { width = 1024, scheme = 'light' } = {}) => {
    const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme: scheme, locale: 'en-GB' })
    const page = await context.newPage()
    watch(page)
    await page.goto(url)
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByRole('button', { name: new RegExp(name, 'i') }).click()
    await page.getByRole('heading', { name: 'What do you need?' }).waitFor()
    return page
  }

  return {
    world,
    vault,
    url,
    broker: company.broker,
    browser,
    complaints,
    visit,
    async visitAsAdmin(options) {
      const page = await visit('Dana', options)
      const { admin } = company.broker
      const { items } = await admin.must(admin.get('/api/groups?limit=200'))
      const group = items.find(({ name }: { name: string }) => name === 'admins')
      await admin.must(admin.put(`/api/role-groups/admin/${group.id}`))
      await page.reload()
      await page.getByRole('link', { name: 'Actions' }).waitFor()
      return page
    },
    async close() {
      await browser.close()
      if (fourEyes) await home.close()
      await company.close()
      await vault.stop()
    },
  }
}

/** A call of the API, as a script of this page makes it. */
// biome-ignore lint/suspicious/noExplicitAny: a test says itself what it expects
export function callAs(page: Page, method: string, path: string, body?: unknown): Promise<any> {
  return page.evaluate(
    async (asked) => {
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(asked.path, { method: asked.method, headers, body: asked.body })
      const text = await response.text()
      if (!response.ok) throw new Error(text)
      return text === '' ? null : JSON.parse(text)
    },
    { method, path, body: body === undefined ? undefined : JSON.stringify(body) },
  )
}

/** What axe has against a page, and by how many pixels it is wider than the window. */
export async function faultsOf(page: Page): Promise<{ readonly found: string[]; readonly overflow: number }> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()')
  const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')
  return { found: violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`), overflow }
}
