import { mkdtemp } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { flows, requests } from '../../src/contract/endpoints/access.ts'
import { distributions } from '../../src/contract/endpoints/distributions.ts'
import { grants } from '../../src/contract/endpoints/grants.ts'
import { runs } from '../../src/contract/endpoints/runs.ts'
import { freePort } from '../vault/free-port.ts'
import { vaultBinary } from '../vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../vault/vault-server.ts'
import { waitFor } from '../vault/vault-wait.ts'
import { startBrowser } from './chromium.ts'
import { startDaemon } from './demo-daemon.ts'
import { certificate } from './demo-distribution.ts'
import { DemoCompany } from './demo-people.ts'
import { DemoPlaces } from './demo-places.ts'
import { databasePassword, failedTest, settleRotation, undoneByAdmin } from './demo-rotation.ts'
import { Screen } from './demo-screen.ts'
import { DemoShop } from './demo-shop.ts'
import { type DemoWorld, resourceNamed, settle } from './demo-world.ts'

const WIDTHS = [360, 1024, 1600]
const PEOPLE = ['Alice', 'Bob', 'Dana'] as const
const SCHEMES = ['light', 'dark'] as const

interface Shot {
  readonly name: string
  readonly who: (typeof PEOPLE)[number]
  readonly path: string
  /** what is done there before the picture is taken */
  readonly first?: (page: Page) => Promise<void>
}

const running: (() => Promise<unknown>)[] = []
try {
  process.stdout.write(`${await takePictures()}\n`)
} finally {
  for (const stop of running.toReversed()) await stop()
}

/** Pictures of every page of the portal, from the demo’s world, in a folder whose name is answered. */
async function takePictures(): Promise<string> {
  const browser = await startBrowser()
  if (!browser) throw new Error('there is no Chromium: give its place in CHROMIUM')
  running.push(() => browser.close())
  const port = await freePort()
  const company = await DemoCompany.start(`http://127.0.0.1:${port}`)
  running.push(() => company.stop())
  const binary = await vaultBinary()
  const vault = await startVaultServer({ binary })
  running.push(() => vault.stop())
  const [shop, places] = [await DemoShop.start(), await DemoPlaces.start(binary)]
  running.push(
    () => shop.stop(),
    () => places.stop(),
  )
  const daemon = await startDaemon(port, company.settings)
  running.push(() => daemon.stop())
  const world = await settle(vault, company, daemon.adminToken)
  const shots = [...(await play(world)), ...(await work(world, vault, shop, places))]
  const folder = await mkdtemp(path.join(os.tmpdir(), 'latchkey-pictures-'))
  for (const scheme of SCHEMES) {
    for (const who of PEOPLE) {
      const page = await signedIn(browser, daemon.url, who, scheme)
      for (const shot of shots.filter((one) => one.who === who)) await take(page, daemon.url, shot, `${folder}/${scheme}`)
    }
  }
  return folder
}

/** Something of everything: access that waits, access that lives, access that ended. */
async function play({ admin, alice, bob }: DemoWorld): Promise<Shot[]> {
  const ask = async (name: string, permission: string, seconds: number, justification: string) => {
    const resources = [{ resourceId: (await resourceNamed(admin, name)).id, permissions: [permission] }]
    return alice.api.call(requests.submit, { body: { resources, seconds, justification } })
  }
  const grantOf = async (requestId: string) => (await alice.api.call(requests.get, { params: { id: requestId } })).grantId ?? ''
  const until = (id: string, wanted: (state: string) => boolean) =>
    waitFor(`the grant ${id}`, async () => wanted((await alice.api.call(grants.get, { params: { id } })).state))

  const given = await grantOf((await ask('transit/orders', 'encrypt', 900, 'INC-4712: replay the orders of Tuesday')).id)
  await until(given, (state) => state === 'active')
  await alice.api.call(grants.open, { params: { id: given } })
  await alice.api.call(grants.giveBack, { params: { id: given } })
  await until(given, (state) => state === 'revoked')
  const stripe = await ask('kv/payments/stripe', 'read', 3_600, 'INC-4711: customers are charged twice')
  await bob.api.call(requests.decide, {
    params: { id: stripe.id },
    body: { decision: 'approve', reason: 'on call', seconds: 1_800 },
  })
  const live = await grantOf(stripe.id)
  await until(live, (state) => state === 'active')
  const waiting = await ask('kv/payments/paypal', 'read', 3_600, 'INC-4711: compare what PayPal says of the same orders')
  const wanted = await resourceNamed(admin, 'kv/payments/stripe')
  return [
    { name: 'home', who: 'Alice', path: '/' },
    { name: 'search', who: 'Alice', path: '/search?q=' },
    { name: 'ask', who: 'Alice', path: `/ask?resource=${wanted.id}`, first: fillIn },
    { name: 'request', who: 'Alice', path: `/requests/${waiting.id}` },
    { name: 'access', who: 'Alice', path: `/grants/${live}` },
    { name: 'credential', who: 'Alice', path: `/grants/${live}`, first: reveal },
    { name: 'receipt', who: 'Alice', path: `/grants/${given}/receipt` },
    { name: 'approvals', who: 'Bob', path: '/approvals' },
    { name: 'decision', who: 'Bob', path: `/requests/${waiting.id}` },
  ]
}

/** What the demo has done in systems: rotations, one of them taken back, and a certificate that was on three servers. */
async function work(world: DemoWorld, vault: VaultServer, shop: DemoShop, places: DemoPlaces): Promise<Shot[]> {
  const screen = new Screen(process.stderr, process.env)
  const rotator = await settleRotation(screen, vault, world, shop)
  await databasePassword(screen, vault, world, shop, rotator)
  await failedTest(screen, vault, world, shop, rotator)
  await undoneByAdmin(screen, vault, world, rotator)
  await certificate(screen, vault, world, places)
  const rotated = (await world.admin.call(runs.list, { query: { integration: rotator, limit: 1 } })).items[0]
  const flow = (await world.admin.call(flows.list, { query: { limit: 1 } })).items[0]
  const distributed = (await world.admin.call(distributions.list, { query: { limit: 1 } })).items[0]
  return [
    { name: 'runs', who: 'Dana', path: '/runs' },
    { name: 'run', who: 'Dana', path: `/runs/${rotated?.id}` },
    { name: 'action', who: 'Dana', path: `/runs/new?integration=${rotator}&action=rotate-kv-secret` },
    { name: 'rotations', who: 'Dana', path: '/rotations' },
    { name: 'certificates', who: 'Dana', path: '/certificates' },
    { name: 'distribution', who: 'Dana', path: `/distributions/${distributed?.id}` },
    { name: 'integrations', who: 'Dana', path: '/integrations' },
    { name: 'integration', who: 'Dana', path: `/integrations/${rotator}` },
    { name: 'connect', who: 'Dana', path: '/integrations/new?plugin=vault' },
    { name: 'flows', who: 'Dana', path: '/access-flows' },
    { name: 'flow', who: 'Dana', path: `/access-flows/${flow?.id}` },
    { name: 'flow-form', who: 'Dana', path: `/access-flows/${flow?.id}/change` },
    { name: 'changes', who: 'Dana', path: '/proposals' },
    { name: 'audit', who: 'Dana', path: '/audit' },
  ]
}

async function fillIn(page: Page): Promise<void> {
  await page.getByLabel('Why').fill('INC-4711: customers are charged twice')
  await page.getByText('decides. If approved').waitFor()
}

async function reveal(page: Page): Promise<void> {
  await page.getByRole('button', { name: /Show the credential|Make a new one/ }).click()
  await page.getByText('Copy it now').waitFor()
}

async function signedIn(browser: Browser, url: string, who: string, scheme: 'light' | 'dark'): Promise<Page> {
  const context = await browser.newContext({ colorScheme: scheme, locale: 'en-GB', reducedMotion: 'reduce' })
  const page = await context.newPage()
  await page.goto(url)
  await page.getByRole('link', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: new RegExp(who) }).click()
  await page.getByRole('heading', { name: 'What do you need?' }).waitFor()
  return page
}

async function take(page: Page, url: string, { name, path: where, first }: Shot, folder: string): Promise<void> {
  await page.goto(url + where)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForLoadState('networkidle')
  await first?.(page)
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 })
    await page.screenshot({ path: `${folder}/${name}-${width}.png`, fullPage: true })
  }
}
