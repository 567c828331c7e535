import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { makeChain } from '../support/certificates.ts'
import { preparedForCertificates } from '../support/distribution-world.ts'
import { pass, startFaultProxy } from '../support/fault-proxy.ts'
import { spoiled } from '../support/faults.ts'
import { callAs, faultsOf, type PortalWorld, startPortalWorld } from '../support/portal-world.ts'
import { startRelay } from '../support/relay.ts'

const SETTINGS = { capabilities: ['discovery', 'grants', 'rotate-secrets', 'destroy-versions'] }

describe.each(await serversUnderTest())('what is done in systems, in Chromium, on $product $version', (binary) => {
  let portal: PortalWorld
  let dana: Page
  let runId: string
  let distributionId: string
  let login: Awaited<ReturnType<typeof preparedForCertificates>>

  beforeAll(async () => {
    portal = await startPortalWorld(binary, SETTINGS)
    login = await preparedForCertificates(portal.vault)
    dana = await portal.visitAsAdmin()
  })
  afterAll(() => portal?.close())

  const stored = async (path: string) => (await portal.vault.api('GET', `kv/data/${path}`)).body.data
  const reason = () => dana.getByRole('textbox', { name: 'Why' })
  const choose = async (action: string, path: string) => {
    await dana.goto(`${portal.url}/runs/new`)
    await dana.getByLabel('Where').selectOption(portal.world.integrationId)
    await dana.getByLabel('What', { exact: true }).selectOption(action)
    await dana.getByLabel('Mount').fill('kv')
    await dana.getByRole('textbox', { name: 'Secret' }).fill(path)
  }
  const target = async (name: string, address: string): Promise<string> => {
    const { admin } = portal.world.broker
    const credential = { name, plugin: 'vault', login, destinations: [{ address }] }
    const { id: credentialId } = await admin.must(admin.post('/api/target-credentials', credential))
    const location = { address, path: `certs/${name}/{{ .cn }}` }
    return (await admin.must(admin.post('/api/targets', { name, credentialId, location }))).id
  }
  const look = () => dana.getByRole('button', { name: 'See what it would do' }).click()

  it('an admin sees what an action would do, what is wrong with it, and what was there before, and has it done once', async () => {
    await dana.getByRole('link', { name: 'Actions' }).click()
    await dana.getByText('Nothing was run yet.').waitFor()
    await dana.getByRole('link', { name: 'Run an action' }).click()
    await choose('rotate-kv-secret', 'app/nothing')
    await dana.getByLabel('Add to Fields').fill('password')
    await dana.keyboard.press('Enter')
    await dana.getByLabel('password', { exact: true }).selectOption('Made by a recipe')
    await look()
    await dana.getByRole('alert').getByText('app/nothing').waitFor()
    await dana.getByRole('textbox', { name: 'Secret' }).fill('app/db')
    await dana.getByRole('textbox', { name: 'Length' }).fill('3')
    await look()
    await dana.getByText(/input\.fields\.password\.length is too short for its alphabet/i).waitFor()
    await dana.getByRole('textbox', { name: 'Length' }).fill('24')
    await look()
    await dana.getByText('Writes version 2 of kv/app/db with a new value of password.').waitFor()
    expect((await stored('app/db')).metadata.version, 'looked at and not done').toBe(1)

    await reason().fill('<b>it</b> was in a log')
    await dana.getByRole('textbox', { name: 'Length' }).fill('25')
    await dana.getByText('You changed something since.').waitFor()
    expect(await dana.getByRole('button', { name: 'Run it' }).count(), 'nothing is done that was not seen').toBe(0)
    await look()
    expect(await reason().inputValue()).toBe('<b>it</b> was in a log')
    await dana.getByRole('button', { name: 'Run it' }).dblclick()
    await dana.getByRole('heading', { name: 'Rotate a secret' }).waitFor()
    await dana.getByText('As it should be').waitFor()
    const { items } = await callAs(dana, 'GET', '/api/runs')
    expect(items.map(({ state }: { state: string }) => state)).toEqual(['executed'])
    runId = items[0].id
    const now = await stored('app/db')
    expect(now.data.password).toMatch(/^[A-Za-z0-9]{25}$/)
    const shown = await dana.locator('main').innerText()
    for (const told of ['Dana Drew', '<b>it</b> was in a log', 'kv/app/db', 'What was there before', '1 of 1 steps'])
      expect(shown).toContain(told)
    for (const secret of ['orange', now.data.password]) expect(await dana.locator('main').innerHTML()).not.toContain(secret)
  })

  it('an admin reads what taking it back would do, and takes it back', async () => {
    await dana.getByText('It can be undone now.').waitFor()
    await dana.getByText('What version 1 of kv/app/db holds is written again as version 3.').waitFor()
    await dana.getByRole('button', { name: 'Roll back' }).click()
    await dana.getByRole('button', { name: 'Yes, undo it' }).click()
    await dana.getByText('Say why.').waitFor()
    expect((await stored('app/db')).metadata.version, 'not without a reason').toBe(2)
    await reason().fill('nobody was told')
    await dana.getByRole('button', { name: 'Yes, undo it' }).dblclick()
    await dana.getByText('After it was undone').waitFor()
    expect(await stored('app/db')).toMatchObject({ data: { password: 'orange' }, metadata: { version: 3 } })
    expect(await dana.locator('main').innerText()).toContain('by Dana Drew: nobody was told')
    expect(await dana.getByRole('button', { name: 'Roll back' }).count()).toBe(0)
  })

  it('an action that cannot be undone says so before it is looked at, and is done only by who types its name', async () => {
    await choose('destroy-kv-version', 'app/cache')
    await dana.getByText('This cannot be undone.').first().waitFor()
    await dana.getByRole('button', { name: 'Add to Versions' }).click()
    await dana.getByLabel('No. 1', { exact: true }).fill('1')
    await look()
    await reason().fill('it is no secret any more')
    const run = dana.getByRole('button', { name: 'Run it' })
    expect(await run.isDisabled()).toBe(true)
    await dana.getByLabel('To confirm, type').fill('kv/app/cash')
    expect(await run.isDisabled()).toBe(true)
    await dana.getByLabel('To confirm, type').fill('kv/app/cache')
    await run.click()
    await dana.getByText('As it should be').waitFor()
    expect((await stored('app/cache')).metadata.destroyed).toBe(true)
    await dana.getByText('This cannot be undone.').waitFor()
    expect(await dana.getByText('The way back').count()).toBe(0)
  })

  it('keeps what is typed into a form in this tab, without its secrets', async () => {
    await choose('rotate-kv-secret', 'app/db')
    await dana.getByLabel('Add to Fields').fill('password')
    await dana.getByRole('button', { name: 'Add', exact: true }).click()
    await dana.getByLabel('password', { exact: true }).selectOption('Given here')
    await dana.getByLabel('Value').fill('grapefruit')
    const kept = await dana.evaluate<string>('JSON.stringify([{ ...sessionStorage }, { ...localStorage }, location.href])')
    expect(kept).toContain('app/db')
    expect(kept).not.toContain('grapefruit')
    await dana.reload()
    await dana.getByRole('textbox', { name: 'Secret' }).waitFor()
    expect(await dana.getByRole('textbox', { name: 'Secret' }).inputValue()).toBe('app/db')
    expect(await dana.getByLabel('Value').inputValue()).toBe('')
  })

  it('shows what is overdue and what comes next, and rotates before its time', async () => {
    const { admin } = portal.world.broker
    const does = {
      kind: 'run',
      integrationId: portal.world.integrationId,
      action: 'rotate-kv-secret',
      input: { mount: 'kv', path: 'app/db', fields: { password: { by: 'recipe', length: 24 } } },
    }
    const schedule = { kind: 'cron', line: '30 2 * * 1', timeZone: 'Europe/Berlin' }
    await admin.must(admin.post('/api/rotations', { name: 'the <i>shop</i>', does, schedule }))
    await dana.getByRole('link', { name: 'Actions' }).click()
    await dana.getByRole('link', { name: 'Rotations' }).click()
    await dana.getByRole('heading', { name: 'the <i>shop</i>' }).waitFor()
    await dana.getByText('never yet').waitFor()
    await dana.getByRole('button', { name: 'Rotate now' }).click()
    await reason().fill('somebody left')
    await dana.getByRole('button', { name: 'Rotate it now' }).click()
    await dana.getByText('Finished').waitFor()
    expect((await stored('app/db')).metadata.version).toBe(4)
    await dana.getByRole('link', { name: 'See the run' }).click()
    await dana.getByText('It can be undone now.').waitFor()
  })

  it('shows target by target where a certificate is, sends it where it was not, and puts back what was there', async () => {
    const relay = await startRelay(portal.vault.address)
    const [up, down] = [await target('shop-eu', portal.vault.address), await target('shop-asia', relay.url)]
    relay.leadTo(undefined)
    const { leaf, chain } = makeChain({ cn: 'shop.example.com', domains: ['shop.example.com'] })
    const body = { name: 'shop', certificate: leaf.pem, chain, privateKey: leaf.keyPem }
    const { admin } = portal.world.broker
    const { id: certificateId } = await admin.must(admin.post('/api/certificates', body))
    const order = { certificateId, targetIds: [up, down], reason: 'renewal of June' }
    distributionId = (await admin.must(admin.post('/api/distributions', order))).id
    const row = (name: string) => dana.getByRole('row', { name: new RegExp(`^${name}`) })
    const at = async (name: string) => (await portal.vault.api('GET', `secret/data/certs/${name}/shop.example.com`)).body?.data

    await dana.goto(`${portal.url}/certificates`)
    await dana.getByText('shop.example.com').first().waitFor()
    await dana.getByText('Valid', { exact: true }).waitFor()
    await dana.getByRole('link', { name: 'Distributions' }).click()
    await dana.locator(`a[href="/distributions/${distributionId}"]`).click()
    await row('shop-eu').getByText('Verified').waitFor()
    await row('shop-asia').getByText('no connection').waitFor()
    await dana.getByText('1 of 2 targets settled').waitFor()
    await dana.getByRole('button', { name: 'Cancel the rest' }).click()
    await reason().fill('it is being rebuilt')
    await dana.getByRole('button', { name: 'Begin with no further target' }).click()
    await row('shop-asia').getByText('Failed').waitFor()
    await dana.getByText('At some targets').waitFor()

    relay.leadTo(portal.vault.address)
    await dana.getByRole('button', { name: 'Resume' }).click()
    await reason().fill('it is back')
    await dana.getByRole('button', { name: 'Send it again where it failed' }).click()
    await row('shop-asia').getByText('Verified').waitFor()
    await dana.getByText('Everywhere').waitFor()
    expect([(await at('shop-eu')).metadata.version, (await at('shop-asia')).metadata.version]).toEqual([1, 1])

    await dana.getByRole('button', { name: 'See whether it can be taken back' }).click()
    await dana.getByRole('checkbox', { name: 'shop-asia' }).uncheck()
    await dana.getByRole('button', { name: 'Take it back' }).click()
    await reason().fill('its clients do not trust it')
    await dana.getByRole('button', { name: 'Put back what was there before' }).click()
    await row('shop-eu').getByText('Put back', { exact: true }).waitFor()
    await row('shop-asia').getByText('Verified').waitFor()
    expect([(await at('shop-eu')).data, (await at('shop-asia')).data.certificate]).toEqual([null, leaf.pem])
    expect(await dana.content()).not.toContain('PRIVATE KEY')
    await relay.close()
  })

  it('has put back what failed at a target and left something, and does not offer to send over it', async () => {
    const proxy = await startFaultProxy(portal.vault.address)
    const place = 'secret/data/certs/shop-africa/left.example.com'
    const longAgo = { notBefore: new Date('2025-01-01T00:00:00Z'), notAfter: new Date('2025-06-01T00:00:00Z') }
    const before = { certificate: makeChain({ cn: 'left.example.com', ...longAgo }).leaf.pem }
    await portal.vault.api('POST', place, { data: before })
    const africa = await target('shop-africa', proxy.url)
    const { leaf, chain } = makeChain({ cn: 'left.example.com', domains: ['left.example.com'] })
    const { admin } = portal.world.broker
    const body = { name: 'left', certificate: leaf.pem, chain, privateKey: leaf.keyPem }
    const { id: certificateId } = await admin.must(admin.post('/api/certificates', body))
    proxy.always((call) => (call.method === 'POST' && call.path === place ? spoiled(call) : pass(call)))
    const order = { certificateId, targetIds: [africa], reason: 'renewal', undoIfUnverified: false }
    const { id } = await admin.must(admin.post('/api/distributions', order))
    await dana.goto(`${portal.url}/distributions/${id}`)
    const row = dana.getByRole('row', { name: /^shop-africa/ })
    await row.getByText('Failed').waitFor()
    await row.getByText('it stays as it is until the run is rolled back').waitFor()
    proxy.always()
    await row.getByRole('link').click()
    await dana.getByText('It can be undone now.').waitFor()
    await dana.getByText('has expired, at 2025-06-01').waitFor()
    await dana.goBack()
    expect(await dana.getByRole('button', { name: 'Resume' }).count()).toBe(0)
    await dana.getByRole('button', { name: 'See whether it can be taken back' }).click()
    await dana.getByText('is written again as version 3').waitFor()
    await dana.getByText('has expired, at 2025-06-01').waitFor()
    await dana.getByRole('button', { name: 'Take it back' }).click()
    await reason().fill('it was spoiled on its way')
    await dana.getByRole('button', { name: 'Put back what was there before' }).click()
    await row.getByText('Put back', { exact: true }).waitFor()
    expect((await portal.vault.api('GET', place)).body.data).toMatchObject({ data: before, metadata: { version: 3 } })
    await proxy.close()
  })

  it('shows a list by its state, which stands in the address', async () => {
    await dana.goto(`${portal.url}/runs`)
    await dana.getByLabel('Show').selectOption('Undone')
    await dana.waitForURL(/state=undone/)
    await dana.locator(`a[href="/runs/${runId}"]`).waitFor()
    await dana.reload()
    await dana.locator(`a[href="/runs/${runId}"]`).waitFor()
    expect(new Set(await dana.locator('main .lk-state').allInnerTexts())).toEqual(new Set(['Undone']))
    await dana.getByLabel('Show').selectOption('Being undone')
    await dana.getByText('No run is in this state.').waitFor()
  })

  it.each(['light', 'dark'] as const)('can be read by everybody, and on a telephone: %s', async (scheme) => {
    const page = await portal.visitAsAdmin({ width: 360, scheme })
    const form = `/runs/new?integration=${portal.world.integrationId}&action=rotate-kv-secret`
    const lists = ['/runs', '/rotations', '/certificates', '/distributions']
    for (const where of [...lists, form, `/runs/${runId}`, `/distributions/${distributionId}`]) {
      await page.goto(portal.url + where)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.locator('[role=status][aria-label]').first().waitFor({ state: 'detached' })
      expect({ where, ...(await faultsOf(page)) }).toEqual({ where, found: [], overflow: 0 })
    }
  })

  it('shows nothing of it to who has no role for it', async () => {
    const alice = await portal.visit('Alice')
    expect(await alice.getByRole('link', { name: 'Actions' }).count()).toBe(0)
    for (const where of ['/runs', `/runs/${runId}`, '/rotations', '/distributions']) {
      await alice.goto(portal.url + where)
      await alice.getByRole('alert').waitFor()
      expect(await alice.locator('main').innerText()).not.toContain('kv/app/db')
    }
    expect(portal.complaints).toEqual([])
  })
})
