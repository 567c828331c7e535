import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { callAs, faultsOf, type PortalWorld, startPortalWorld } from '../support/portal-world.ts'

describe.each(await serversUnderTest())('the form of an access flow, in Chromium, on $product $version', (binary) => {
  let portal: PortalWorld
  let dana: Page
  let bob: Page
  let flowId: string

  beforeAll(async () => {
    portal = await startPortalWorld(binary)
    bob = await portal.visit('Bob')
    dana = await portal.visitAsAdmin()
    const { id } = await callAs(bob, 'GET', '/api/me')
    const made = await portal.world.flow({
      resources: [{ paths: ['kv/app/db'] }],
      permissions: { 'vault-kv-secret': ['read'] },
      maxSeconds: 7_200,
      approval: { kind: 'approvers', users: [id], groups: [], needed: 1 },
    })
    flowId = made.id
    await patch({ name: 'the database of the app' })
  })
  afterAll(() => portal?.close())

  const flow = () => portal.world.broker.admin.must(portal.world.broker.admin.get(`/api/access-flows/${flowId}`))
  const patch = (body: object) =>
    portal.world.broker.admin.must(portal.world.broker.admin.patch(`/api/access-flows/${flowId}`, body))
  const group = (name: string) => dana.getByRole('group', { name, exact: true })
  /** What the page says is wrong with a field, as it is told to those who hear the page. */
  const flawOf = (label: string) =>
    dana.getByLabel(label, { exact: true }).evaluate((field) =>
      (field.getAttribute('aria-invalid') === 'true' ? (field.getAttribute('aria-describedby') ?? '') : '')
        .split(' ')
        .map((id: string) => field.ownerDocument.getElementById(id)?.textContent ?? '')
        .join(' '),
    )
  const change = async () => {
    await dana.goto(`${portal.url}/access-flows/${flowId}`)
    await dana.getByRole('link', { name: 'Change it' }).click()
    await dana.getByLabel('The rule as JSON').waitFor()
  }

  it('writes each way to approve as a rule has it, with the same people where that way has people', async () => {
    await change()
    const { id } = await callAs(bob, 'GET', '/api/me')
    const approval = async () => JSON.parse(await dana.getByLabel('The rule as JSON').inputValue()).approval
    const choose = (way: string) => dana.getByRole('combobox', { name: 'Who approves' }).selectOption(way)
    await choose('Stages: managers, owners or people, one after another')
    const people = { kind: 'people', users: [id], groups: [] }
    expect(await approval()).toEqual({ kind: 'stages', stages: [{ approvers: [people], needed: 1 }] })
    await dana.getByRole('button', { name: 'Add a stage' }).click()
    await group('Stage 2').getByRole('checkbox', { name: 'The requester’s manager' }).check()
    await group('Stage 2').getByLabel('How many of them must approve').selectOption('all of them')
    await group('Stage 1').getByRole('button', { name: 'Remove Bob Baker' }).click()
    await dana.getByLabel('Who approved in one stage').check()
    const manager = { approvers: [{ kind: 'manager' }], needed: 'all' }
    const stages = [{ approvers: [], needed: 1 }, manager]
    expect(await approval()).toEqual({ kind: 'stages', stages, mayRepeat: true })
    await dana.getByRole('button', { name: 'Remove Stage 1' }).click()
    expect(await approval()).toEqual({ kind: 'stages', stages: [manager], mayRepeat: true })

    await choose('Nobody beforehand: for emergencies, looked at afterwards')
    await group('Who is told at once').getByRole('searchbox').fill('admins')
    await group('Who is told at once').getByRole('button', { name: 'Add admins group' }).click()
    const { alert, ...others } = await approval()
    expect(others).toEqual({ kind: 'emergency' })
    expect(alert).toEqual({ users: [], groups: [expect.stringMatching(/^grp_/)] })
    await choose('Nobody: it is given at once')
    expect(await approval()).toEqual({ kind: 'automatic' })
    await dana.getByRole('button', { name: 'Begin again' }).click()
    expect((await approval()).users).toEqual([id])
  })

  it('says at each field what is wrong there, and of the others at the JSON', async () => {
    const other = await portal.world.flow()
    const before = await flow()
    await change()
    await dana.getByLabel('For how long at most').fill('0')
    await dana.getByRole('button', { name: 'Save' }).click()
    await dana.getByRole('alert').waitFor()
    expect(await flawOf('For how long at most')).toContain('Must be a whole number of seconds from 1')
    expect(await flawOf('Name')).toBe('')
    expect(await faultsOf(dana)).toEqual({ found: [], overflow: 0 })

    const json = dana.getByLabel('The rule as JSON')
    const windows = [{ days: ['mon'], from: '18:00', to: '08:00', timeZone: 'Europe/Berlin' }]
    await json.fill(JSON.stringify({ ...before.rule, windows, maxSeconds: 0 }))
    await dana.getByText('This rule also has windows').waitFor()
    await dana.getByRole('button', { name: 'Save' }).click()
    await dana.getByRole('alert').getByText('later than from', { exact: false }).waitFor()
    expect(await flawOf('The rule as JSON')).toContain('windows.0.to: Must be later than from')
    expect(await flawOf('For how long at most'), 'each of several').toContain('Must be a whole number')

    await json.fill(JSON.stringify(before.rule))
    await dana.getByLabel('Name', { exact: true }).fill(other.name)
    await dana.getByRole('button', { name: 'Save' }).click()
    await dana.getByRole('alert').getByText('another access flow has the name', { exact: false }).waitFor()
    expect(await flawOf('Name')).toContain(`Another access flow has the name ${other.name}.`)
    expect(await flawOf('For how long at most')).toBe('')

    await dana.getByLabel('Name', { exact: true }).fill('the database of the app')
    await json.fill(JSON.stringify({ ...before.rule, permissions: { 'vault-kv-secret': ['fly'] } }))
    await dana.getByRole('button', { name: 'Save' }).click()
    await dana.getByRole('alert').getByText('fly is not a permission', { exact: false }).waitFor()
    expect(await group('What may be done there').innerText()).toContain('Fly is not a permission on vault-kv-secret.')

    await json.fill('{ "requesters": ')
    await dana.getByText('The form comes back').waitFor()
    expect(await dana.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)
    await dana.getByRole('button', { name: 'Begin again' }).click()
    expect(await dana.getByLabel('For how long at most').inputValue()).toBe('2')
    expect(await flow()).toEqual(before)
  })

  it('keeps everything of a rule that its form does not show', async () => {
    const { id: bobId } = await callAs(bob, 'GET', '/api/me')
    const people = { kind: 'people', users: [bobId], groups: [] }
    const { rule } = await flow()
    const rich = {
      ...rule,
      conditions: { any: [{ attribute: 'name', is: 'containing', value: 'a' }] },
      windows: [
        { days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '00:00', to: '24:00', timeZone: 'Europe/Berlin' },
      ],
      resources: [{ types: ['vault-kv-secret'], paths: ['kv/app/**'], tags: {} }, { paths: ['kv/team/**'] }],
      actions: { 'vault-kv-secret': ['rotate-kv-secret'] },
      riskStages: { from: 'high', stages: [{ approvers: [people], needed: 1 }] },
      fields: [{ type: 'text', key: 'ticket', label: 'Ticket', required: false, maxLength: 500 }],
      approval: {
        kind: 'stages',
        stages: [
          { approvers: [people, people], needed: 'all', escalation: { afterSeconds: 60, approvers: [{ kind: 'manager' }] } },
          { approvers: [{ kind: 'manager' }, people], needed: 1 },
        ],
        mayRepeat: true,
      },
      pendingSeconds: 7_200,
      remindSeconds: 3_600,
      notify: { users: [bobId], groups: [] },
      extensions: { count: 2, maxSeconds: 600 },
    }
    await patch({ rule: rich })
    await change()
    await dana.getByText('This rule also has').waitFor()
    await dana.getByText('This stage also asks others after some time.').waitFor()
    await dana.getByLabel('For how long at most').fill('90')
    await dana.getByLabel('Unit of time').selectOption('minutes')
    await group('Selection 2').getByLabel('With these names').fill('kv/team/**\nkv/app/cache')
    await group('Stage 2').getByRole('checkbox', { name: 'The requester’s manager' }).uncheck()
    await dana.getByRole('button', { name: 'Save' }).click()
    await dana.getByRole('link', { name: 'Change it' }).waitFor()
    const [first, second] = rich.approval.stages
    expect((await flow()).rule).toEqual({
      ...rich,
      maxSeconds: 5_400,
      resources: [rich.resources[0], { paths: ['kv/team/**', 'kv/app/cache'] }],
      approval: { ...rich.approval, stages: [first, { ...second, approvers: [people] }] },
    })
    const said = await dana.locator('main').innerText()
    for (const told of [
      'whose name contains a',
      '00:00 to 24:00 (Europe/Berlin)',
      '1. all of Bob Baker or Bob Baker; after 1 minute without a decision also the requester’s manager',
      '2. Bob Baker',
      'Who approved in one stage may approve in another, too.',
      'Beyond that, at high risk',
      'Ticket',
      'After 2 hours',
      'Every 1 hour',
      '2 times, by at most 10 minutes each time',
    ])
      expect(said).toContain(told)
  })

  it('keeps what was typed when the session ends, and writes over nothing that another changed in the meantime', async () => {
    await change()
    await dana.getByLabel('For how long at most').fill('3')
    await dana.getByLabel('Unit of time').selectOption('hours')
    await patch({ rule: { ...(await flow()).rule, remindSeconds: 1_800 } })
    const { admin } = portal.world.broker
    await admin.must(admin.delete(`/api/users/${(await callAs(dana, 'GET', '/api/me')).id}/sessions`))
    await dana.getByRole('button', { name: 'Save' }).click()
    await dana.getByRole('link', { name: 'Sign in' }).first().click()
    const signIn = dana.getByRole('button', { name: /Dana/ })
    await signIn.or(dana.getByLabel('Unit of time')).first().waitFor()
    if (dana.url().includes('/interaction/')) await signIn.click()
    await dana.getByLabel('Unit of time').waitFor()
    expect(await dana.getByLabel('For how long at most').inputValue(), 'what was typed is there again').toBe('3')
    await dana.getByRole('button', { name: 'Save' }).click()
    await dana.getByRole('alert').getByText('was changed since you read it', { exact: false }).waitFor()
    expect((await flow()).rule.maxSeconds).toBe(5_400)
    await dana.getByRole('button', { name: 'Begin again with what is there now' }).click()
    await expect.poll(() => dana.getByLabel('For how long at most').inputValue()).toBe('90')
    await dana.getByLabel('For how long at most').fill('45')
    await dana.getByRole('button', { name: 'Save' }).click()
    await dana.getByText('At most 45 minutes').waitFor()
    expect((await flow()).rule).toMatchObject({ maxSeconds: 2_700, remindSeconds: 1_800 })
  })

  it('talks to nobody but the broker, and breaks no rule of its page', () => {
    expect(portal.complaints).toEqual([])
  })
})
