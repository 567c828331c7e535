import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { within } from '../support/database.ts'
import { callAs, faultsOf, type PortalWorld, startPortalWorld } from '../support/portal-world.ts'

describe.each(await serversUnderTest())('the audit trail, in Chromium, on $product $version', (binary) => {
  let portal: PortalWorld
  let alice: Page
  let dana: Page
  let grantId: string
  let requestId: string

  beforeAll(async () => {
    portal = await startPortalWorld(binary)
    alice = await portal.visit('Alice')
    dana = await portal.visitAsAdmin()
    await portal.world.flow({ resources: [{ types: ['vault-transit-key'] }] })
    const keyId = await portal.world.resource('transit/orders', 'vault-transit-key')
    const resources = [{ resourceId: keyId, permissions: ['encrypt'] }]
    const justification = '<img src=x onerror=alert(1)> a replay'
    const asked = await callAs(alice, 'POST', '/api/access-requests', { resources, seconds: 3_600, justification })
    ;({ id: requestId, grantId } = asked)
    await callAs(alice, 'GET', `/api/grants/${grantId}?waitSeconds=30`)
    await callAs(alice, 'POST', `/api/grants/${grantId}/open`)
    await callAs(alice, 'POST', `/api/grants/${grantId}/give-back`)
    await waitFor('its end', async () => (await callAs(alice, 'GET', `/api/grants/${grantId}`)).endedAt !== null)
  })
  afterAll(() => portal?.close())

  const kinds = () => dana.locator('main code.lk-name').allInnerTexts()
  const recorded = async (subject: string): Promise<{ kind: string; seq: number; hash: string }[]> =>
    (await callAs(dana, 'GET', `/api/audit?subject=${subject}&limit=200`)).items

  it('an auditor finds what happened by kind, person and time, and the address keeps what was looked for', async () => {
    await dana.getByRole('link', { name: 'Audit' }).click()
    await dana.getByLabel('What', { exact: true }).fill('grant.')
    await dana.getByRole('button', { name: 'Show', exact: true }).click()
    await dana.waitForURL(/kind=grant/)
    await dana.locator(`a[href="/audit/grants/${grantId}"]`).first().waitFor()
    expect((await kinds()).every((kind) => kind.startsWith('grant.'))).toBe(true)
    await dana.reload()
    await dana.getByLabel('To what').fill(grantId)
    await dana.keyboard.press('Enter')
    await dana.waitForURL(new RegExp(grantId))
    await dana.getByText('grant.revoked').waitFor()
    expect((await kinds()).toSorted()).toEqual(
      (await recorded(grantId))
        .map(({ kind }) => kind)
        .toSorted()
        .filter((kind) => kind.startsWith('grant.')),
    )
    await dana.getByLabel('Before').fill('2020-01-01T00:00')
    await dana.getByRole('button', { name: 'Show', exact: true }).click()
    await dana.getByText('Nothing of the kind was recorded.').waitFor()
    await dana.getByLabel('What', { exact: true }).fill('Grants!')
    await dana.getByRole('button', { name: 'Show', exact: true }).click()
    await dana
      .getByRole('alert')
      .getByText(/a kind such as grant.revoking/)
      .waitFor()
    await dana.getByRole('button', { name: 'Show all' }).click()
    await dana.getByText('integration.created').waitFor()
  })

  it('an auditor reads one access from the request to the proof, every link of it in the order of the chain', async () => {
    await dana.goto(`${portal.url}/audit?subject=${grantId}`)
    await dana.locator(`a[href="/audit/grants/${grantId}"]`).first().click()
    await dana.getByRole('heading', { name: 'Story of an access' }).waitFor()
    const links = [...(await recorded(requestId)), ...(await recorded(grantId))].toSorted((a, b) => a.seq - b.seq)
    await dana.getByText('grant.revoked').waitFor()
    expect(await dana.locator('[class*=Timeline-itemTitle]').allInnerTexts()).toEqual(links.map(({ kind }) => kind))
    expect(links[0]?.kind).toBe('request.submitted')
    await dana.getByText('All that is recorded').first().click()
    await dana.getByText(links[0]!.hash).waitFor()
    const shown = await dana.locator('main').innerText()
    for (const told of ['Alice Ames', 'transit/orders', '<img src=x onerror=alert(1)> a replay', 'Ended early']) {
      expect(shown).toContain(told)
    }
    await dana.getByRole('link', { name: 'Receipt' }).click()
    await dana.getByText('Everything was proved gone').waitFor()
    await dana.getByRole('link', { name: 'As the audit trail has it' }).click()
    await dana.getByRole('heading', { name: 'Story of an access' }).waitFor()
  })

  it('an auditor follows the chain, and is told that it is whole and how it ends', async () => {
    await dana.goto(`${portal.url}/audit`)
    await dana.getByRole('button', { name: 'Follow the chain' }).click()
    await dana.getByText(/The chain is whole: \d+ links/).waitFor()
    const { head } = await callAs(dana, 'POST', '/api/audit/verify')
    expect(head.hash).toMatch(/^[0-9a-f]{64}$/)
    expect(await dana.locator('main').innerText()).toMatch(/[0-9a-f]{64}/)
  })

  it('an auditor takes the trail of a time with them', async () => {
    await dana.goto(`${portal.url}/audit?from=2026-01-01T00%3A00%3A00.000Z&kind=grant.`)
    const [download] = await Promise.all([dana.waitForEvent('download'), dana.getByRole('link', { name: 'As CSV' }).click()])
    expect(download.suggestedFilename()).toBe('audit.csv')
    const chunks: Buffer[] = []
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    for (const told of [grantId, 'integration.created'])
      expect(text, 'all of the time, and not what the list was narrowed to').toContain(told)
  })

  it('tells an auditor where the chain was broken', async () => {
    const [one] = await recorded(grantId)
    const found = `update audit_events set subject = $1 where id = (select event_id from audit_chain where seq = $2)`
    await dana.goto(`${portal.url}/audit`)
    await within(portal.world.broker.database.url, async (client) => {
      await client.query('set session_replication_role = replica') // as somebody who may do anything in the database
      await client.query(found, ['grt_of_another', one!.seq])
      await dana.getByRole('button', { name: 'Follow the chain' }).click()
      await dana.getByText('The chain is broken in 1 place').waitFor()
      await dana.getByText(`at link ${one!.seq}`).waitFor()
      await client.query(found, [grantId, one!.seq])
    })
    await dana.getByRole('button', { name: 'Follow the chain' }).click()
    await dana.getByText(/The chain is whole/).waitFor()
  })

  it.each(['light', 'dark'] as const)('can be read by everybody, and on a telephone: %s', async (scheme) => {
    const page = await portal.visitAsAdmin({ width: 360, scheme })
    for (const where of ['/audit', `/audit?subject=${grantId}`, `/audit/grants/${grantId}`]) {
      await page.goto(portal.url + where)
      await page.getByText('grant.revoked').first().waitFor()
      expect({ where, ...(await faultsOf(page)) }).toEqual({ where, found: [], overflow: 0 })
    }
  })

  it('shows nothing of it to who is no auditor', async () => {
    expect(await alice.getByRole('link', { name: 'Audit' }).count()).toBe(0)
    for (const where of ['/audit', `/audit/grants/${grantId}`]) {
      await alice.goto(portal.url + where)
      await alice
        .getByRole('alert')
        .getByText(/only people with the role admin or auditor/i)
        .waitFor()
      expect(await alice.locator('main').innerText()).not.toContain('grant.revoked')
    }
    expect(portal.complaints).toEqual([])
  })
})
