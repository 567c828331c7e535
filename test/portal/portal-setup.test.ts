import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { setUpVault } from '../../dev/vault/vault-setup.ts'
import { minimumPolicy } from '../../plugins/vault/minimum-policy.ts'
import type { Api } from '../support/api.ts'
import { callAs, faultsOf, type PortalWorld, startPortalWorld } from '../support/portal-world.ts'
import { configFor, prepared } from '../support/vault-broker.ts'

describe.each(await serversUnderTest())('how the broker is set up, in Chromium, on $product $version', (binary) => {
  let portal: PortalWorld
  let dana: Page
  let second: Api

  beforeAll(async () => {
    portal = await startPortalWorld(binary, {}, { fourEyes: true })
    dana = await portal.visitAsAdmin()
    const { token } = await portal.world.person('second admin', ['admin'], ['read', 'manage'])
    second = portal.broker.api(token)
  })
  afterAll(() => portal?.close())

  const change = (id: string) => portal.world.broker.admin.must(portal.world.broker.admin.get(`/api/proposals/${id}`))
  const proposed = async (body: object): Promise<string> => {
    const answer = await second.patch(`/api/integrations/${portal.world.integrationId}`, body)
    expect(answer.status).toBe(202)
    return answer.body.id
  }
  const described = async () =>
    (await portal.world.broker.admin.get(`/api/integrations/${portal.world.integrationId}`)).body.accessDetails

  /** As the commands that the form shows do it: a place of its own for a second broker's users and policies. */
  async function secondPlace() {
    const names = { userpassMount: 'second', policyPrefix: 'second-g-', policyName: 'latchkey-second' }
    const config = configFor(portal.vault.address, {
      ...names,
      kvMounts: 'all',
      transitMounts: 'all',
      auth: { method: 'token', token: 'nobody’s' },
    })
    await portal.vault.api('POST', 'sys/auth/second', { type: 'userpass' })
    await portal.vault.api('POST', 'sys/auth/second/tune', { user_lockout_config: { lockout_disable: true } })
    return setUpVault(portal.vault, { policy: minimumPolicy(config).document, policyName: names.policyName, role: 'second' })
  }

  it('an admin sees how a system is, looks at it again, and sees what was found in it', async () => {
    await dana.getByRole('link', { name: 'Setup' }).click()
    await dana.getByText('Healthy').waitFor()
    await dana.locator(`a[href="/integrations/${portal.world.integrationId}"]`).click()
    await dana.getByRole('heading', { name: 'What was found' }).waitFor()
    await dana.getByText('Complete').waitFor()
    const { found } = await callAs(dana, 'GET', `/api/integrations/${portal.world.integrationId}/sync`)
    expect(await dana.locator('main').innerText()).toMatch(new RegExp(`Resources\\s+${found}\\n`))

    await portal.vault.api('POST', 'kv/data/app/new-one', { data: { password: 'quince' } })
    await dana.getByRole('button', { name: 'Look through it now' }).click()
    await dana.getByText('1 new, 0 changed, 0 gone, 0 back again').waitFor()

    await portal.vault.seal()
    await dana.getByRole('button', { name: 'Look now' }).click()
    await dana.getByText('Something is wrong').waitFor()
    await dana.getByText('Not good').first().waitFor()
    expect(await dana.locator('main').innerText()).toContain('sealed')
    await portal.vault.unseal()
    await dana.getByRole('button', { name: 'Look now' }).click()
    await dana.getByText('Healthy').waitFor()
    await dana.getByText(/^\d+ things are good$/).click()
    await dana.getByText('sys/capabilities-self').first().waitFor()
  })

  it('an admin reads what the broker needs there, and never the login that it keeps', async () => {
    await dana.goto(`${portal.url}/integrations/${portal.world.integrationId}`)
    await dana.getByRole('button', { name: 'Show the policy' }).click()
    await dana.getByText('Command 1').or(dana.locator('[data-label="Command 1"]')).first().waitFor()
    const shown = await dana.content()
    expect(shown).toContain('sys/policies/acl/apono-g-*')
    expect(shown).toContain('kept, and never shown')
    const { approle } = await prepared(portal.vault)
    expect(shown).not.toContain(approle.secretId)
  })

  it('nobody gets new access while it is paused, and an admin lets it go on', async () => {
    await dana.getByRole('button', { name: 'Pause' }).click()
    await dana.getByRole('button', { name: 'Yes, give no new access' }).click()
    await dana.getByText('Paused', { exact: true }).waitFor()
    const { state } = await callAs(dana, 'GET', `/api/integrations/${portal.world.integrationId}`)
    expect(state).toBe('paused')
    await dana.getByRole('button', { name: 'Resume' }).click()
    await dana.getByText('Healthy').waitFor()
  })

  it('a second person sees field by field what would be another, and accepts it once', async () => {
    const id = await proposed({ accessDetails: 'ask <b>Erin</b>' })
    await dana.goto(`${portal.url}/integrations`)
    await dana.getByRole('link', { name: 'Changes' }).click()
    await dana.locator(`a[href="/proposals/${id}"]`).click()
    await dana.getByRole('heading', { name: 'A change of an integration' }).waitFor()
    const row = dana.getByRole('row', { name: /^accessDetails/ })
    expect(await row.innerText()).toMatch(/nothing\s+ask <b>Erin<\/b>/)
    expect(await described(), 'looked at and not decided').toBeNull()
    await dana.getByRole('button', { name: 'Accept' }).dblclick()
    expect(await described(), 'asked once more').toBeNull()
    await dana.getByRole('button', { name: 'Yes, let it be done' }).dblclick()
    await dana.getByText('Done', { exact: true }).first().waitFor()
    expect(await described()).toBe('ask <b>Erin</b>')
    expect(await dana.getByRole('button', { name: 'Accept' }).count()).toBe(0)
  })

  it('a second person declines, and one who comes too late is told how it ended', async () => {
    const declined = await proposed({ accessDetails: 'ask nobody' })
    await dana.goto(`${portal.url}/proposals/${declined}`)
    await dana.getByRole('button', { name: 'Decline' }).click()
    await dana.getByRole('button', { name: 'Yes, decline it' }).click()
    await dana.getByText('Declined').waitFor()
    expect(await described()).toBe('ask <b>Erin</b>')

    const gone = await proposed({ accessDetails: 'ask Finn' })
    await dana.goto(`${portal.url}/proposals/${gone}`)
    await dana.getByRole('button', { name: 'Accept' }).click()
    await second.must(second.post(`/api/proposals/${gone}/withdraw`))
    await dana.getByRole('button', { name: 'Yes, let it be done' }).click()
    await dana.getByRole('alert').waitFor()
    await dana.getByText('Withdrawn', { exact: true }).waitFor()
    expect(await dana.getByRole('button', { name: 'Decline' }).count()).toBe(0)
    expect((await change(gone)).state).toBe('withdrawn')
  })

  it('an admin connects a system by the plugin’s own form: commands first, then a try, and a second person accepts it', async () => {
    const { roleId, secretId } = await secondPlace()
    await dana.goto(`${portal.url}/integrations`)
    await dana.getByRole('link', { name: 'Connect a system' }).click()
    await dana.getByRole('link', { name: /^Choose: .*Vault/ }).click()
    await dana.getByLabel('Name', { exact: true }).first().fill('the second one')
    await dana.getByLabel('Vault address').fill('http://127.0.0.1:1')
    await dana.getByLabel('Login').selectOption('AppRole')
    await dana.getByLabel('Role ID').fill(roleId)
    await dana.getByLabel('Secret ID', { exact: true }).fill(secretId)
    await dana.getByLabel('Userpass mount').fill('second')
    await dana.getByLabel('Prefix of grant policies').fill('second-g-')
    await dana.getByLabel('The broker’s own policy').fill('latchkey-second')
    expect(await dana.getByLabel('KV v2 mounts').locator('option:checked').innerText()).toBe('All of them')
    expect(await dana.getByLabel('grants', { exact: true }).isChecked()).toBe(true)
    await dana.getByLabel('For those with access').fill('ask in #vault')
    await dana.getByText('As people see it').waitFor()
    await dana.getByRole('button', { name: 'Show the commands' }).click()
    await dana.locator('[data-label="Command 1"]').waitFor()
    expect(await dana.content()).toContain('sys/policies/acl/second-g-*')

    await dana.getByRole('button', { name: 'Try it' }).click()
    await dana.getByRole('button', { name: 'Connect although something is wrong' }).or(dana.getByRole('alert')).first().waitFor()
    await dana.getByLabel('Vault address').fill(portal.vault.address)
    await dana.getByText('You changed something since.').or(dana.getByText('A try changes nothing there')).first().waitFor()
    expect(await dana.getByRole('button', { name: 'Connect' }).count(), 'nothing is saved that was not tried').toBe(0)
    const kept = await dana.evaluate<string>('JSON.stringify([{ ...sessionStorage }, { ...localStorage }, location.href])')
    expect(kept).toContain('the second one')
    expect(kept).not.toContain(secretId)
    await dana.reload()
    expect(await dana.getByLabel('Name', { exact: true }).first().inputValue(), 'what was typed is there again').toBe(
      'the second one',
    )
    expect(await dana.getByLabel('Secret ID', { exact: true }).inputValue()).toBe('')
    await dana.getByLabel('Secret ID', { exact: true }).fill(secretId)

    await dana.getByRole('button', { name: 'Try it' }).click()
    await dana.getByText('Everything that was tried works.').waitFor()
    await dana.getByRole('button', { name: 'Connect', exact: true }).dblclick()
    await dana.getByRole('heading', { name: 'A new integration' }).waitFor()
    await dana.getByText('You proposed it. Somebody else has to accept it.').waitFor()
    expect(await dana.content()).not.toContain(secretId)
    expect(await dana.getByRole('button', { name: 'Accept' }).count()).toBe(0)
    const id = new URL(dana.url()).pathname.split('/').at(-1)!
    await second.must(second.post(`/api/proposals/${id}/accept`))
    await dana.getByText('Done', { exact: true }).first().waitFor()
    const { items } = await callAs(dana, 'GET', '/api/integrations')
    expect(items.map(({ name }: { name: string }) => name)).toContain('the second one')
  })

  it('what two people have to do says so where it was ordered, and leads to the change', async () => {
    await dana.goto(`${portal.url}/integrations/${portal.world.integrationId}`)
    await dana.getByRole('button', { name: 'Remove' }).click()
    await dana.getByRole('button', { name: 'Yes, remove it' }).click()
    await dana.getByText('This waits for a second person.').waitFor()
    await dana.getByRole('link', { name: 'See the change' }).click()
    await dana.getByRole('heading', { name: 'The removal of an integration' }).waitFor()
    await dana.getByRole('button', { name: 'Withdraw' }).click()
    await dana.getByRole('button', { name: 'Yes, withdraw it' }).click()
    await dana.getByText('Withdrawn', { exact: true }).waitFor()
    expect((await callAs(dana, 'GET', '/api/integrations')).items).toHaveLength(2)
    const { paths } = await callAs(dana, 'GET', '/openapi.json')
    expect(Object.keys(paths['/api/integrations/{id}'].delete.responses)).toEqual(expect.arrayContaining(['202', '204']))
  })

  it('shows changes by their state, which stands in the address', async () => {
    await dana.goto(`${portal.url}/proposals`)
    await dana.getByLabel('Show').selectOption('Declined')
    await dana.waitForURL(/state=declined/)
    await dana.reload()
    await dana.getByText('A change of an integration').waitFor()
    expect(new Set(await dana.locator('main .lk-state').allInnerTexts())).toEqual(new Set(['Declined']))
    await dana.getByLabel('Show').selectOption('Lapsed')
    await dana.getByText('No change is in this state.').waitFor()
  })

  it.each(['light', 'dark'] as const)('can be read by everybody, and on a telephone: %s', async (scheme) => {
    const open = await proposed({ accessDetails: `in ${scheme}` })
    const page = await portal.visitAsAdmin({ width: 360, scheme })
    const one = `/integrations/${portal.world.integrationId}`
    for (const where of [
      '/integrations',
      one,
      '/integrations/new',
      '/integrations/new?plugin=vault',
      '/proposals',
      `/proposals/${open}`,
    ]) {
      await page.goto(portal.url + where)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.locator('[role=status][aria-label]').first().waitFor({ state: 'detached' })
      expect({ where, ...(await faultsOf(page)) }).toEqual({ where, found: [], overflow: 0 })
    }
  })

  it('shows nothing of it to who has no role for it', async () => {
    const alice = await portal.visit('Alice')
    expect(await alice.getByRole('link', { name: 'Setup' }).count()).toBe(0)
    for (const where of ['/integrations', `/integrations/${portal.world.integrationId}`, '/proposals']) {
      await alice.goto(portal.url + where)
      await alice.getByRole('alert').waitFor()
      expect(await alice.locator('main').innerText()).not.toContain(portal.vault.address)
    }
    expect(portal.complaints).toEqual([])
  })
})
