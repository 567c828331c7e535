import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { currentCaller } from '../../src/platform/http/call.ts'
import { startWorld, type World } from '../support/world.ts'

/** Statements that were sent for somebody's call, and those that were sent for a grant while nobody waited for an answer to them. */
interface Sent {
  readonly who: string | undefined
  readonly text: string
  readonly values: string
}

describe('from a request to the credential', () => {
  let vault: VaultServer
  let world: World
  const sent: Sent[] = []

  beforeAll(async () => {
    vault = await startVaultServer({ audit: false })
    const send = pg.Client.prototype.query as (...args: unknown[]) => unknown
    vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...args: unknown[]) {
      const [query, values] = args as [string | { text?: string; values?: unknown[] }, unknown[] | undefined]
      const text = typeof query === 'string' ? query : (query?.text ?? '')
      const given = typeof query === 'string' ? values : query?.values
      sent.push({ who: currentCaller().who, text, values: JSON.stringify(given ?? []) })
      return send.apply(this, args)
    } as never)
    world = await startWorld(vault)
  })
  afterAll(async () => {
    vi.restoreAllMocks()
    await world?.close()
    await vault?.stop()
  })

  /** How many of the statements since are of calls by this person. */
  const during = async <T>(who: { readonly id: string }, work: () => Promise<T>): Promise<{ answer: T; count: number }> => {
    const from = sent.length
    const answer = await work()
    return { answer, count: sent.slice(from).filter((one) => one.who === who.id).length }
  }

  it('costs the database no more statements than it did', async () => {
    const { alice, bob } = world
    const flow = await world.flow({ approval: { kind: 'approvers', users: [bob.id], groups: [], needed: 1 } })
    const resources = [{ resourceId: await world.resource('kv/app/db'), permissions: ['read'] }]
    const once = async () => {
      const from = sent.length
      const asked = await during(alice, () =>
        alice.api.must(
          alice.api.post('/api/access-requests', { flowId: flow.id, resources, seconds: 3600, justification: 'because' }),
        ),
      )
      const { id } = asked.answer
      const decided = await during(bob, () =>
        bob.api.must(bob.api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve' })),
      )
      const { grantId } = decided.answer
      await alice.api.must(alice.api.get(`/api/grants/${grantId}?waitSeconds=30`))
      const opened = await during(alice, () => alice.api.must(alice.api.post(`/api/grants/${grantId}/open`)))
      const name = grantId.slice('grt_'.length)
      const given = sent.slice(from).filter(({ who, values }) => who === undefined && values.includes(name)).length
      return { asked: asked.count, decided: decided.count, given, opened: opened.count }
    }
    await once() // connects to the target, and notes that the tokens are used
    // Now and then the broker looks again at what it knows of a target or a token: of several times the least is what it takes.
    const rounds = [await once(), await once(), await once()]
    const least = (which: keyof (typeof rounds)[number]) => Math.min(...rounds.map((round) => round[which]))
    expect(least('asked'), 'to ask').toBeLessThanOrEqual(25)
    expect(least('decided'), 'to approve').toBeLessThanOrEqual(27)
    expect(least('given'), 'to give the access, without the bounds of transactions').toBeLessThanOrEqual(26)
    expect(least('opened'), 'to open it').toBeLessThanOrEqual(19)
    expect(Math.min(...rounds.flatMap((round) => Object.values(round))), 'all of them were counted').toBeGreaterThan(5)
  })

  it('costs the database no more to say what waits for an approver when much waits', async () => {
    const { alice, bob } = world
    const { admin } = world.broker
    const owners = { users: [bob.id], groups: [] }
    await admin.must(admin.put(`/api/integrations/${world.integrationId}/ownership`, { owners, resourceOwner: null }))
    const flow = await world.flow({
      approval: {
        kind: 'stages',
        stages: [{ approvers: [{ kind: 'integration_owner' }, { kind: 'people', ...owners }], needed: 1 }],
      },
    })
    const resources = [{ resourceId: await world.resource('kv/app/db'), permissions: ['read'] }]
    const ask = () =>
      alice.api.must(
        alice.api.post('/api/access-requests', { flowId: flow.id, resources, seconds: 3600, justification: 'because' }),
      )
    const listed = async () => {
      const look = () => during(bob, () => bob.api.must(bob.api.get('/api/access-requests?role=approver&limit=100')))
      const rounds = [await look(), await look(), await look()]
      return { waiting: rounds[0]!.answer.items.length as number, count: Math.min(...rounds.map(({ count }) => count)) }
    }
    await ask()
    const one = await listed()
    for (let more = 0; more < 5; more += 1) await ask()
    const many = await listed()
    expect([one.waiting, many.waiting]).toEqual([1, 6])
    expect(many.count).toBe(one.count)
  })
})
