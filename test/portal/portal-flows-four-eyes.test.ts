import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { callAs, type PortalWorld, startPortalWorld } from '../support/portal-world.ts'

describe.each(await serversUnderTest())('access flows that two people make, in Chromium, on $product $version', (binary) => {
  let portal: PortalWorld

  beforeAll(async () => {
    portal = await startPortalWorld(binary, {}, { fourEyes: true })
  })
  afterAll(() => portal?.close())

  it('waits for a second person when it is made and when it is changed, and says so where one looks', async () => {
    const dana = await portal.visitAsAdmin()
    const { token } = await portal.world.person('second admin', ['admin'], ['read', 'manage'])
    const second = portal.broker.api(token)
    const accept = () => second.must(second.post(`/api/proposals/${new URL(dana.url()).pathname.split('/').at(-1)}/accept`))
    await dana.goto(`${portal.url}/access-flows/new`)
    await dana.getByLabel('Name', { exact: true }).fill('for two people')
    await dana.getByRole('button', { name: 'Select resources' }).click()
    await dana.getByLabel('Who approves').selectOption('Nobody: it is given at once')
    await dana.getByRole('group', { name: 'On each Transit key' }).getByRole('checkbox', { name: 'Encrypt', exact: true }).check()
    await dana.getByRole('button', { name: 'Make the access flow' }).dblclick()
    await dana.getByRole('heading', { name: 'A new access flow' }).waitFor()
    await dana.getByText('You proposed it. Somebody else has to accept it.').waitFor()
    expect((await callAs(dana, 'GET', '/api/access-flows')).items).toEqual([])
    const made = new URL(dana.url()).pathname

    await dana.goto(`${portal.url}/access-flows`)
    await dana.getByText('This waits for a second person.').waitFor()
    expect((await callAs(dana, 'GET', '/api/proposals?state=open')).items).toHaveLength(1)
    await dana.locator(`a[href="${made}"]`).click()
    await dana.getByRole('heading', { name: 'A new access flow' }).waitFor()
    await accept()
    await dana.getByText('Done', { exact: true }).first().waitFor()
    await dana.goto(`${portal.url}/access-flows`)
    await dana.getByRole('link', { name: 'for two people' }).click()

    await dana.getByRole('button', { name: 'Switch off' }).click()
    await dana.getByRole('button', { name: 'Yes, let nobody ask under it' }).click()
    await dana.getByText('This waits for a second person.').first().waitFor()
    await dana.getByText('On', { exact: true }).waitFor()
    await dana.reload()
    await dana.getByRole('link', { name: 'A change of an access flow' }).click()
    await dana.getByRole('row', { name: /^active/ }).waitFor()
    await accept()
    await dana.getByText('Done', { exact: true }).first().waitFor()
    const { items } = await callAs(dana, 'GET', '/api/access-flows')
    expect(items).toMatchObject([{ name: 'for two people', active: false, rule: { approval: { kind: 'automatic' } } }])
    expect(portal.complaints).toEqual([])
  })
})
