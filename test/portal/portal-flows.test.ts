import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { paste } from '../support/paste.ts'
import { callAs, faultsOf, type PortalWorld, startPortalWorld } from '../support/portal-world.ts'

const MAKE = 'Make the access flow'

describe.each(await serversUnderTest())('access flows in the portal, in Chromium, on $product $version', (binary) => {
  let portal: PortalWorld
  let dana: Page
  let alice: Page
  let bob: Page
  let flowId: string

  beforeAll(async () => {
    portal = await startPortalWorld(binary)
    alice = await portal.visit('Alice')
    bob = await portal.visit('Bob')
    dana = await portal.visitAsAdmin()
  })
  afterAll(() => portal?.close())

  const flow = () => portal.world.broker.admin.must(portal.world.broker.admin.get(`/api/access-flows/${flowId}`))
  const patch = (body: object) =>
    portal.world.broker.admin.must(portal.world.broker.admin.patch(`/api/access-flows/${flowId}`, body))
  const idIn = (page: Page) => new URL(page.url()).pathname.split('/')[2]!
  const group = (name: string) => dana.getByRole('group', { name, exact: true })

  it('an admin makes one, and nothing is given that nobody chose', async () => {
    await dana.getByRole('link', { name: 'Setup' }).click()
    await dana.getByRole('link', { name: 'Access flows' }).click()
    await dana.getByText('There is no access flow yet').waitFor()
    await dana.getByRole('link', { name: 'Make an access flow' }).click()
    await dana.getByLabel('Name', { exact: true }).fill('the database of the app')
    await dana.getByRole('button', { name: MAKE }).click()
    await dana.getByRole('alert').waitFor()
    expect(await group('What may be asked for').innerText(), 'the field that is empty says so').toContain('Must not be empty.')
    expect((await callAs(dana, 'GET', '/api/access-flows')).items).toEqual([])

    await dana.getByRole('button', { name: 'Select resources' }).click()
    await dana.getByText('As it stands, this selects everything').waitFor()
    await dana.getByLabel('With these names').fill('kv/app/db\n')
    expect(await dana.getByText('As it stands, this selects everything').count()).toBe(0)
    await group('On each KV secret').getByRole('checkbox', { name: 'Read', exact: true }).check()
    await dana.getByLabel('For how long at most').fill('2')
    const approvers = group('Approvers')
    await approvers.getByRole('searchbox').fill('nobody of that name')
    await dana.getByText('Nobody has that in their name.').waitFor()
    await approvers.getByRole('searchbox').fill('bak')
    await approvers.getByRole('button', { name: /^Add Bob Baker/ }).click()
    await approvers.getByRole('listitem').getByText('Bob Baker').waitFor()
    expect(await approvers.getByRole('searchbox').evaluate((one) => one.matches(':focus')), 'the next is typed at once').toBe(
      true,
    )
    await dana.getByRole('button', { name: MAKE }).dblclick()
    await dana.getByRole('heading', { name: 'the database of the app', level: 1 }).waitFor()

    const { items } = await callAs(dana, 'GET', '/api/access-flows')
    expect(items).toHaveLength(1)
    flowId = items[0].id
    const { id: bobId } = await callAs(bob, 'GET', '/api/me')
    expect(items[0]).toMatchObject({
      active: true,
      integrationId: portal.world.integrationId,
      rule: {
        requesters: { kind: 'everyone' },
        resources: [{ paths: ['kv/app/db'] }],
        permissions: { 'vault-kv-secret': ['read'] },
        maxSeconds: 7_200,
        justification: 'required',
        approval: { kind: 'approvers', users: [bobId], groups: [], needed: 1 },
      },
    })
    const said = await dana.locator('main').innerText()
    for (const told of ['everyone', 'kv/app/db', 'KV secret: Read', 'At most 2 hours', 'Bob Baker', 'Has to be given'])
      expect(said).toContain(told)
  })

  it('a requester asks under it, the approver that was chosen approves, and the secret is read', async () => {
    await alice.goto(`${portal.url}/search?q=app/db`)
    await alice.getByRole('link', { name: 'Ask for kv/app/db', exact: true }).click()
    await alice.getByText(/Bob Baker decides\. If approved/).waitFor()
    await alice.getByLabel('Why').fill('the invoice job fails')
    await alice.getByRole('button', { name: 'Send the request' }).click()
    await alice.getByRole('heading', { name: 'Your request' }).waitFor()
    await bob.goto(`${portal.url}/requests/${idIn(alice)}`)
    await bob.getByRole('button', { name: 'Approve' }).click()
    await bob.getByText('Bob Baker approved').waitFor()
    await alice.getByRole('link', { name: 'Go to your access' }).click()
    await alice.getByRole('button', { name: 'Show the credential' }).click()
    await alice.getByText('Copy it now').waitFor()
    const [prepare = '', ...usage] = await alice.locator('pre[data-label*="command"]').allInnerTexts()
    const { printed } = await paste(binary, {}, [...prepare.split('\n'), ...usage])
    expect(printed).toContain('orange')
  })

  it('says who could get what under it, and who would decide, without anybody’s asking', async () => {
    await dana.goto(`${portal.url}/access-flows/${flowId}`)
    await dana.getByLabel('On what').fill('app/d')
    await dana.getByRole('button', { name: /^Choose kv\/app\/db vault/ }).click()
    await dana.getByRole('checkbox', { name: 'Read', exact: true }).check()
    await dana.getByRole('button', { name: 'See who could get it' }).click()
    await dana.getByText(/people could get it under this flow\./).waitFor()
    expect(await dana.locator('main').innerText()).toMatch(/If Bob Baker[^\n]* approves\s+[^\n]*Alice Ames/)
    await patch({ rule: { ...(await flow()).rule, requesters: { kind: 'people', users: [portal.world.bob.id], groups: [] } } })
    await dana.getByLabel('One person').fill('ames')
    await dana.getByRole('button', { name: /^Choose Alice Ames/ }).click()
    await dana.getByRole('button', { name: 'See who could get it' }).click()
    await dana.getByText('Alice Ames could not get it under this flow:').waitFor()
    await dana.getByText('not among the people who may ask', { exact: false }).waitFor()
    expect((await callAs(dana, 'GET', '/api/access-requests?role=any')).items).toHaveLength(1)
  })

  it('is switched off by who means it, and on again', async () => {
    await dana.goto(`${portal.url}/access-flows/${flowId}`)
    await dana.getByRole('button', { name: 'Switch off' }).dblclick()
    expect((await flow()).active, 'asked once more').toBe(true)
    await dana.getByRole('button', { name: 'Yes, let nobody ask under it' }).click()
    await dana.getByText('Switched off', { exact: true }).waitFor()
    expect((await flow()).active).toBe(false)
    await dana.getByRole('button', { name: 'Switch on' }).click()
    await dana.getByRole('button', { name: 'Switch off' }).waitFor()
    expect((await flow()).active).toBe(true)
  })

  it('shows those of one integration, which stands in the address, in a sentence each', async () => {
    await portal.world.flow()
    await dana.goto(`${portal.url}/integrations/${portal.world.integrationId}`)
    await dana.getByRole('link', { name: 'Who may ask for what is there' }).click()
    await dana.waitForURL(new RegExp(`integration=${portal.world.integrationId}`))
    await dana.getByText('read on kv/app/db for up to 2 hours.', { exact: false }).waitFor()
    await dana.getByText('Nobody has to approve.', { exact: false }).waitFor()
    await dana.getByLabel('Integration').selectOption('All integrations')
    await dana.waitForURL((url) => !url.search.includes(portal.world.integrationId))
  })

  it.each(['light', 'dark'] as const)('can be read by everybody, and on a telephone: %s', async (scheme) => {
    const page = await portal.visitAsAdmin({ width: 360, scheme })
    const one = `/access-flows/${flowId}`
    for (const where of ['/access-flows', '/access-flows/new', one, `${one}/change`]) {
      await page.goto(portal.url + where)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.locator('[role=status][aria-label]').first().waitFor({ state: 'detached' })
      expect({ where, ...(await faultsOf(page)) }).toEqual({ where, found: [], overflow: 0 })
    }
  })

  it('shows nothing of them to who has no role for it', async () => {
    for (const where of ['/access-flows', `/access-flows/${flowId}`, `/access-flows/${flowId}/change`]) {
      await alice.goto(portal.url + where)
      await alice.getByRole('alert').waitFor()
      expect(await alice.locator('main').innerText()).not.toContain('the database of the app')
    }
    expect(portal.complaints).toEqual([])
  })
})
