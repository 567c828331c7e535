import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Broker } from '../support/broker.ts'
import { ownToken } from '../support/own-token.ts'
import { type PaintingToy, startPainting } from '../support/painting-toy.ts'

const CANARY = 'canary-colour'

describe('an action that somebody asks for', { timeout: 60_000 }, () => {
  let toy: PaintingToy
  let broker: Broker
  let integrationId: string
  let people = 0

  beforeAll(async () => {
    ;({ toy, broker, integrationId } = await startPainting())
    const { admin } = broker
    toy.target.put('north')
    toy.target.put('south')
    toy.target.tags.set('north', { env: 'test' })
    toy.target.tags.set('south', { env: 'prod' })
    await admin.must(admin.post(`/api/integrations/${integrationId}/sync`))
    await waitFor('the walls to be discovered', async () => {
      const { items } = await admin.must(admin.get('/api/resources'))
      return items.length === 2 && items.every(({ tags }: { tags: object }) => Object.keys(tags).length > 0)
    })
  }, 120_000)
  afterAll(() => broker?.close())

  const TYPE = () => toy.plugin.resourceTypes[0]!.id
  const person = async (name: string, roles: string[] = ['member']) => {
    const { admin } = broker
    const { id } = await admin.must(admin.post('/api/users', { name: `${name} ${people++}`, roles }))
    return { id, api: broker.api((await ownToken(broker.database, id, ['read', 'request', 'approve'])).token) }
  }
  const flow = async (rule: object) => {
    const type = toy.plugin.resourceTypes[0]!.id
    const { admin } = broker
    const body = {
      name: `flow ${Math.random()}`,
      integrationId,
      rule: {
        requesters: { kind: 'everyone' },
        resources: [{ paths: ['**'] }],
        permissions: {},
        actions: { [type]: ['paint-wall'] },
        maxSeconds: 3600,
        delivery: toy.plugin.grantAccess!.deliveries[0]!.name,
        ...rule,
      },
    }
    return (await admin.must(admin.post('/api/access-flows', body))).id as string
  }
  const ask = (flowId: string, wall = 'north') => ({
    integrationId,
    action: 'paint-wall',
    input: { wall, colour: CANARY },
    justification: 'it is grey',
    flowId,
  })

  it('waits for its approver, who sees the plan and the risk, and then runs in the name of who asked', async () => {
    const [alice, bob] = [await person('alice'), await person('bob')]
    const flowId = await flow({ approval: { kind: 'approvers', users: [bob.id], groups: [] } })
    const dry = await alice.api.must(alice.api.post('/api/action-requests/dry-run', ask(flowId)))
    expect(dry).toMatchObject({ allowed: true, automatic: false, preview: { risk: { level: 'low' }, reversible: true } })
    expect(toy.walls.has('north')).toBe(false)
    const asked = await alice.api.must(alice.api.post('/api/action-requests', ask(flowId)))
    expect(asked).toMatchObject({
      kind: 'action',
      state: 'pending',
      action: { name: 'paint-wall', input: { wall: 'north', colour: { set: true } }, runId: null, risk: { level: 'low' } },
      resources: [{ name: 'north', permissions: ['paint-wall'] }],
      steps: [{ summary: 'Paints north.' }],
    })
    expect((await alice.api.post(`/api/access-requests/${asked.id}/approvals`, { decision: 'approve' })).status).toBe(403)
    const seen = await bob.api.must(bob.api.get(`/api/access-requests/${asked.id}`))
    expect(seen.asked).toContain('Paint a wall')
    expect(JSON.stringify(seen)).not.toContain(CANARY)
    const approved = await bob.api.must(bob.api.post(`/api/access-requests/${asked.id}/approvals`, { decision: 'approve' }))
    const { runId } = approved.action
    await waitFor('the run', async () => (await broker.admin.get(`/api/runs/${runId}`)).body.state === 'executed')
    expect(toy.walls.get('north')).toBe(CANARY)
    expect((await broker.admin.get(`/api/runs/${runId}`)).body).toMatchObject({
      orderedBy: { id: alice.id },
      reason: 'it is grey',
    })
    expect((await alice.api.must(alice.api.get(`/api/runs/${runId}`))).state).toBe('executed')
    expect((await bob.api.get(`/api/runs/${runId}`)).status).toBe(404)
    const [kept] = await broker.database.query('select * from access_requests where id = $1', [asked.id])
    expect(kept).toMatchObject({ sealed_input: null })
    expect(JSON.stringify(kept)).not.toContain(CANARY)
  })

  it('waits for more approvers where it is risky', async () => {
    const [alice, bob, carol] = [await person('alice'), await person('bob'), await person('carol')]
    const flowId = await flow({
      approval: { kind: 'approvers', users: [bob.id], groups: [] },
      riskStages: { from: 'medium', stages: [{ approvers: [{ kind: 'people', users: [carol.id], groups: [] }] }] },
    })
    const harmless = await alice.api.must(alice.api.post('/api/action-requests', ask(flowId)))
    expect(harmless.stages).toHaveLength(1)
    const asked = await alice.api.must(alice.api.post('/api/action-requests', ask(flowId, 'south')))
    expect(asked).toMatchObject({ action: { risk: { reasons: expect.arrayContaining(['south is tagged as prod.']) } } })
    expect(asked.stages).toHaveLength(2)
    const first = await bob.api.must(bob.api.post(`/api/access-requests/${asked.id}/approvals`, { decision: 'approve' }))
    expect(first).toMatchObject({ state: 'pending', stage: 1 })
    expect((await bob.api.post(`/api/access-requests/${asked.id}/approvals`, { decision: 'approve' })).status).toBe(404)
    const both = await carol.api.must(carol.api.post(`/api/access-requests/${asked.id}/approvals`, { decision: 'approve' }))
    expect(both.state).toBe('approved')
    await waitFor('the run', async () => toy.walls.get('south') === CANARY)
  })

  it('waits for more approvers where its very input makes it risky', async () => {
    const [alice, bob, carol] = [await person('alice'), await person('bob'), await person('carol')]
    const flowId = await flow({
      approval: { kind: 'approvers', users: [bob.id], groups: [] },
      riskStages: { from: 'medium', stages: [{ approvers: [{ kind: 'people', users: [carol.id], groups: [] }] }] },
    })
    toy.weight = { severity: 'high', because: ['It bears the roof.'] }
    const asked = await alice.api.must(alice.api.post('/api/action-requests', ask(flowId)))
    toy.weight = { because: [] }
    expect(asked).toMatchObject({
      action: { risk: { level: 'medium', reasons: expect.arrayContaining(['It bears the roof.']) } },
    })
    expect(asked.stages).toHaveLength(2)
  })

  it('waits for more approvers, who read why, where the target keeps nothing to undo it with', async () => {
    const [alice, bob, carol] = [await person('alice'), await person('bob'), await person('carol')]
    const flowId = await flow({
      approval: { kind: 'approvers', users: [bob.id], groups: [] },
      riskStages: { from: 'medium', stages: [{ approvers: [{ kind: 'people', users: [carol.id], groups: [] }] }] },
    })
    toy.wayBack = { isPossible: false, because: 'the painter keeps no photographs', restores: [] }
    const dry = await alice.api.must(alice.api.post('/api/action-requests/dry-run', ask(flowId)))
    const asked = await alice.api.must(alice.api.post('/api/action-requests', ask(flowId)))
    toy.wayBack = { isPossible: true, restores: [] }
    const because = 'the painter keeps no photographs'
    const risk = { level: 'medium', reasons: expect.arrayContaining([`It cannot be undone: ${because}.`]) }
    expect(dry).toMatchObject({ preview: { reversible: false, irreversible: because, risk } })
    expect(dry.stages).toHaveLength(2)
    const shown = await bob.api.must(bob.api.get(`/api/access-requests/${asked.id}`))
    expect(shown).toMatchObject({ action: { reversible: false, irreversible: because, risk } })
    expect(shown.stages).toHaveLength(2)
    for (const one of [bob, carol]) {
      await one.api.must(one.api.post(`/api/access-requests/${asked.id}/approvals`, { decision: 'approve' }))
    }
    const { action } = await alice.api.must(alice.api.get(`/api/access-requests/${asked.id}`))
    const run = await broker.admin.must(broker.admin.get(`/api/runs/${action.runId}`))
    expect(run.risk, 'what they decided on').toEqual(shown.action.risk)
  })

  it('is refused where no flow names it, without asking the target and without a word of other flows', async () => {
    const alice = await person('alice')
    const other = await person('other')
    const flowId = await flow({
      approval: { kind: 'automatic' },
      requesters: { kind: 'people', users: [other.id], groups: [] },
    })
    toy.calls.length = 0
    const access = await flow({ approval: { kind: 'automatic' }, actions: undefined, permissions: { [TYPE()]: ['play'] } })
    for (const under of [flowId, access]) {
      const refused = await alice.api.post('/api/action-requests', ask(under))
      expect(refused.body, refused.text).toMatchObject({ code: 'access.denied' })
    }
    expect(toy.calls).toEqual([])
  })

  it('is refused for want of approvers, by the code that access is, only where nothing else stands against it', async () => {
    const alice = await person('alice')
    const approval = { kind: 'approvers', users: [alice.id], groups: [] }
    const own = await alice.api.post('/api/action-requests', ask(await flow({ approval })))
    expect(own.body, own.text).toMatchObject({ status: 422, code: 'access.no_approver' })
    const mute = { ...ask(await flow({ approval, justification: 'required' })), justification: '' }
    const silent = await alice.api.post('/api/action-requests', mute)
    expect(silent.body, silent.text).toMatchObject({ status: 422, code: 'access.denied' })
  })

  it.each([
    ['its requester was disabled', (who: { id: string }) => broker.admin.patch(`/api/users/${who.id}`, { state: 'disabled' })],
    [
      'its flow was switched off',
      (_: object, flowId: string) => broker.admin.patch(`/api/access-flows/${flowId}`, { active: false }),
    ],
  ])('is not done when %s after the approval and before it began', async (_, meanwhile) => {
    const [alice, bob] = [await person('alice'), await person('bob')]
    const flowId = await flow({ approval: { kind: 'approvers', users: [bob.id], groups: [] } })
    const asked = await alice.api.must(alice.api.post('/api/action-requests', ask(flowId)))
    toy.walls.set('north', 'white')
    const [held, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    toy.whenPlanned = () => {
      held.resolve()
      return goOn.promise
    }
    const { action } = await bob.api.must(bob.api.post(`/api/access-requests/${asked.id}/approvals`, { decision: 'approve' }))
    await held.promise
    expect((await meanwhile(alice, flowId)).status).toBe(200)
    toy.whenPlanned = async () => {}
    goOn.resolve()
    const over = await waitFor('the run to be over', async () => {
      const { body } = await broker.admin.get(`/api/runs/${action.runId}`)
      return body.state !== 'pending' && body.state !== 'executing' && body
    })
    expect(over).toMatchObject({ state: 'failed', problem: { code: 'access.denied' } })
    expect(toy.walls.get('north')).toBe('white')
  })

  it('is not done when the target is another by then than its approvers were shown', async () => {
    const [alice, bob] = [await person('alice'), await person('bob')]
    const flowId = await flow({ approval: { kind: 'approvers', users: [bob.id], groups: [] } })
    toy.walls.set('north', 'white')
    const asked = await alice.api.must(alice.api.post('/api/action-requests', ask(flowId)))
    toy.walls.set('north', 'painted by somebody else')
    const { action } = await bob.api.must(bob.api.post(`/api/access-requests/${asked.id}/approvals`, { decision: 'approve' }))
    const over = await waitFor('the run to be over', async () => {
      const { body } = await broker.admin.get(`/api/runs/${action.runId}`)
      return body.state !== 'pending' && body.state !== 'executing' && body
    })
    expect(over).toMatchObject({ state: 'failed', problem: { code: 'access.plan_changed' } })
    expect(toy.walls.get('north')).toBe('painted by somebody else')
  })

  it('is not approved when it has become riskier than its approvers were told', async () => {
    const [alice, bob] = [await person('alice'), await person('bob')]
    const flowId = await flow({ approval: { kind: 'approvers', users: [bob.id], groups: [] } })
    const asked = await alice.api.must(alice.api.post('/api/action-requests', ask(flowId)))
    await broker.database.query(`update resources set tags = '{"env":"prod"}' where name = 'north'`)
    const refused = await bob.api.post(`/api/access-requests/${asked.id}/approvals`, { decision: 'approve' })
    expect(refused.body, refused.text).toMatchObject({ code: 'conflict', message: expect.stringContaining('the risk is') })
    await broker.database.query(`update resources set tags = '{"env":"test"}' where name = 'north'`)
    await bob.api.must(bob.api.post(`/api/access-requests/${asked.id}/approvals`, { decision: 'approve' }))
  })

  it('keeps nothing of its input when it is rejected', async () => {
    const [alice, bob] = [await person('alice'), await person('bob')]
    const flowId = await flow({ approval: { kind: 'approvers', users: [bob.id], groups: [] } })
    const asked = await alice.api.must(alice.api.post('/api/action-requests', ask(flowId)))
    await bob.api.must(bob.api.post(`/api/access-requests/${asked.id}/approvals`, { decision: 'reject', reason: 'no' }))
    expect(await broker.database.query('select sealed_input from access_requests where id = $1', [asked.id])).toEqual([
      { sealed_input: null },
    ])
  })

  it('runs at once under an automatic flow, and is refused when an unknown action is named in a flow', async () => {
    const alice = await person('alice')
    const flowId = await flow({ approval: { kind: 'automatic' } })
    const asked = await alice.api.must(alice.api.post('/api/action-requests', ask(flowId)))
    expect(asked).toMatchObject({ state: 'approved', action: { runId: expect.stringMatching(/^run_/) } })
    await expect(
      flow({ approval: { kind: 'automatic' }, actions: { [toy.plugin.resourceTypes[0]!.id]: ['burn'] } }),
    ).rejects.toThrow(/no action burn/)
  })

  it('tells a person no flow names neither what an integration allows nor whether it is there', async () => {
    const [alice, other] = [await person('alice'), await person('other')]
    await flow({ approval: { kind: 'automatic' }, requesters: { kind: 'people', users: [other.id], groups: [] } })
    const { flowId: _, ...unnamed } = ask('')
    const said = async (more: object) => {
      const { status, body } = await alice.api.post('/api/action-requests', { ...unnamed, ...more })
      return { status, message: body.message }
    }
    await broker.database.query(`update access_flow_versions set rule = jsonb_set(rule, '{requesters}', $1::jsonb)`, [
      JSON.stringify({ kind: 'people', users: [other.id], groups: [] }),
    ])
    const here = await said({})
    expect(here.status).toBe(422)
    expect(await said({ action: 'tear-down' })).toEqual(here)
    expect(await said({ action: 'no-such-action' })).toEqual(here)
    expect(await said({ integrationId: 'int_00000000000000000000000000' })).toEqual(here)
  })

  it('is cancelled when its integration is removed, and keeps nothing of its input', async () => {
    const [alice, bob] = [await person('alice'), await person('bob')]
    const flowId = await flow({ approval: { kind: 'approvers', users: [bob.id], groups: [] } })
    const asked = await alice.api.must(alice.api.post('/api/action-requests', ask(flowId)))
    expect((await broker.admin.delete(`/api/integrations/${integrationId}`)).status).toBeLessThan(300)
    await waitFor('the request to be over', async () => {
      const { body } = await alice.api.get(`/api/access-requests/${asked.id}`)
      return body.state === 'cancelled' && body.endReason === 'the integration was removed'
    })
    const kept = await broker.database.query('select sealed_input from access_requests where id = $1', [asked.id])
    expect(kept).toEqual([{ sealed_input: null }])
  })
})
