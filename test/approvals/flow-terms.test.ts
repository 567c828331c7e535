import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { type PersonInWorld, tries, type World } from '../support/world.ts'
import { panelHere, people } from './panel.ts'

describe.each(await serversUnderTest())('an access flow, on $product $version', (binary) => {
  let world: World
  let alice: PersonInWorld
  let bob: PersonInWorld
  let carol: PersonInWorld
  const { admin, staged } = panelHere(binary, (panel) => {
    ;({ world, alice, bob, carol } = panel)
  })

  it('is only for people whose attributes fit, combined by and and or', async () => {
    await world.flow() // by which the secret is there for them to ask about
    const flow = await world.flow({
      conditions: {
        all: [
          { attribute: 'department', is: 'equal_to', value: 'Payments' },
          {
            any: [
              { attribute: 'title', is: 'starting_with', value: 'senior' },
              { attribute: 'title', is: 'containing', value: 'lead' },
            ],
          },
          { attribute: 'office', is: 'not_equal_to', value: 'guest' },
        ],
      },
    })
    const ask = {
      flowId: flow.id,
      resources: [{ resourceId: await world.resource('kv/app/db'), permissions: ['read'] }],
      seconds: 60,
    }
    const allowed = async (attributes: object) => {
      await world.broker.database.query('update users set attributes = $2 where id = $1', [alice.id, JSON.stringify(attributes)])
      return (await alice.api.post('/api/access-requests/dry-run', ask)).body.allowed
    }
    expect(await allowed({ department: 'payments', title: 'Senior Engineer', office: 'Berlin' })).toBe(true)
    expect(await allowed({ department: ['sales', 'Payments'], title: 'Team Lead', office: ['Berlin', 'Rome'] })).toBe(true)
    expect(await allowed({ department: 'payments', title: 'Senior Engineer' }), 'nobody said which office').toBe(false)
    expect(await allowed({ department: 'payments', title: 'Senior Engineer', office: [] })).toBe(false)
    expect(await allowed({ department: 'payments', title: 'Engineer' })).toBe(false)
    expect(await allowed({ department: 'payments', title: 'Senior', office: 'guest' })).toBe(false)
    expect(await allowed({ title: 'Senior' })).toBe(false)
    expect(await allowed({ constructor: 'x', __proto__: { department: 'payments' } })).toBe(false)
  })

  it('gives an hour, or as long as it allows where that is shorter, when nobody says how long', async () => {
    const resourceId = await world.resource('kv/app/db')
    const ask = (flowId: string) => ({ flowId, resources: [{ resourceId, permissions: ['read'] }], justification: 'a look' })
    for (const [maxSeconds, seconds] of [
      [28_800, 3_600],
      [900, 900],
    ] as const) {
      const { id } = await world.flow({ maxSeconds })
      const shown = await admin().must(alice.api.post('/api/access-requests/dry-run', ask(id)))
      expect(shown).toMatchObject({ allowed: true, seconds })
      const asked = await admin().must(alice.api.post('/api/access-requests', ask(id)))
      expect(asked).toMatchObject({ state: 'approved', seconds })
      expect(await world.until(alice, asked.grantId, 'active')).toMatchObject({ seconds })
      const guess = { resourceId, permissions: ['read'], userId: alice.id }
      const { flows } = await admin().must(admin().post('/api/access-flows/simulate', guess))
      expect(flows.find((flow: { id: string }) => flow.id === id)).toMatchObject({ count: 1 })
    }
  })

  it('gives access only in its windows of time', async () => {
    const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
    const today = days[new Date().getUTCDay()]
    const others = days.filter((day) => day !== today && day !== days[(new Date().getUTCDay() + 1) % 7])
    const ask = { resources: [{ resourceId: await world.resource('kv/app/db'), permissions: ['read'] }], seconds: 60 }
    const flowOn = (named: (string | undefined)[]) =>
      world.flow({ windows: [{ days: named, from: '00:00', to: '24:00', timeZone: 'UTC' }] })
    const open = await flowOn([today, days[(new Date().getUTCDay() + 1) % 7]])
    const shut = await flowOn(others)
    expect((await alice.api.post('/api/access-requests/dry-run', { ...ask, flowId: open.id })).body.allowed).toBe(true)
    const refused = await alice.api.post('/api/access-requests/dry-run', { ...ask, flowId: shut.id })
    expect(refused.body.reasons.join()).toContain('only at other times')
  })

  it('asks its own questions and checks the answers', async () => {
    const flow = await world.flow({
      fields: [
        { type: 'text', key: 'ticket', label: 'Ticket', required: true, startsWith: 'OPS-' },
        { type: 'choice', key: 'env', label: 'Environment', options: ['staging', 'production'] },
        { type: 'number', key: 'rows', label: 'Rows', max: 10 },
      ],
    })
    const ask = {
      flowId: flow.id,
      resources: [{ resourceId: await world.resource('kv/app/db'), permissions: ['read'] }],
      seconds: 60,
    }
    const dryRun = async (fields: object) => (await alice.api.post('/api/access-requests/dry-run', { ...ask, fields })).body
    expect((await dryRun({})).reasons.join()).toContain('Ticket (ticket) is missing')
    expect((await dryRun({ ticket: '7', env: 'moon', rows: 11, more: true })).reasons).toHaveLength(4)
    const { body } = await alice.api.post('/api/access-requests', {
      ...ask,
      fields: { ticket: 'OPS-7', env: 'staging', rows: 3 },
    })
    expect(body).toMatchObject({ state: 'approved', fields: { ticket: 'OPS-7', env: 'staging', rows: 3 } })
  })

  it('covers a bundle when it covers everything in it', async () => {
    const bundle = await admin().must(
      admin().post('/api/bundles', {
        name: `on call ${randomBytes(3).toString('hex')}`,
        resources: [
          { resourceId: await world.resource('kv/app/db'), permissions: ['read'] },
          { resourceId: await world.resource('kv/app/cache'), permissions: ['read', 'list'] },
        ],
      }),
    )
    const flow = await world.flow()
    const narrow = await world.flow({ resources: [{ paths: ['kv/app/db'] }] })
    const ask = { bundleId: bundle.id, seconds: 60 }
    expect((await alice.api.post('/api/access-requests', { ...ask, flowId: narrow.id })).body.message).toContain('kv/app/cache')
    const { grantId } = await alice.api.must(alice.api.post('/api/access-requests', { ...ask, flowId: flow.id }))
    await world.until(alice, grantId, 'active')
    const { token } = await world.open(alice, grantId)
    expect(await tries(world.vault, token, 'GET', 'kv/data/app/db')).toBe(200)
    expect(await tries(world.vault, token, 'GET', 'kv/data/app/cache')).toBe(200)
    expect(await tries(world.vault, token, 'GET', 'kv/metadata/app/?list=true')).toBe(200)
  })

  it('tells beforehand who could get what, and who would decide', async () => {
    const flow = await staged([{ approvers: [people(bob)] }], {
      requesters: { kind: 'people', users: [alice.id, bob.id], groups: [] },
      resources: [{ paths: ['kv/team/payments/stripe'] }],
      permissions: { 'vault-kv-secret': ['read'] },
    })
    const question = { resourceId: await world.resource('kv/team/payments/stripe'), permissions: ['read'] }
    const { flows } = await admin().must(admin().post('/api/access-flows/simulate', question))
    const mine = flows.find((each: { id: string }) => each.id === flow.id)
    expect(mine).toMatchObject({ count: 2, approval: 'stages' })
    const stagesOf = (who: PersonInWorld) => mine.people.find((person: { id: string }) => person.id === who.id).stages
    expect(stagesOf(alice)[0].parties[0].people).toMatchObject([{ id: bob.id }])
    expect(stagesOf(bob)[0].parties[0].people).toEqual([])
    const one = await admin().must(admin().post('/api/access-flows/simulate', { ...question, userId: carol.id }))
    expect(one.flows.find((each: { id: string }) => each.id === flow.id)).toMatchObject({
      count: 0,
      reasons: ['you are not among the people who may ask under it'],
    })
    expect((await alice.api.post('/api/access-flows/simulate', question)).status).toBe(403)
  })
})
