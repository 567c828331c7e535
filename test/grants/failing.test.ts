import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { run } from '../../src/cli/main.ts'
import { decodedHeader, type PostOffice, startPostOffice } from '../support/smtp.ts'
import { startWorld, traces, type World } from '../support/world.ts'

describe.each(await serversUnderTest())('access that was approved and cannot be given, on $product $version', (binary) => {
  let vault: VaultServer
  let office: PostOffice
  let world: World

  beforeAll(async () => {
    ;[vault, office] = await Promise.all([startVaultServer({ binary }), startPostOffice()])
    const from = { name: 'Latchkey', address: 'latchkey@broker.example' }
    const smtp = { host: '127.0.0.1', port: office.port, secure: false, from }
    world = await startWorld(vault, { config: { development: true, publicUrl: 'https://latchkey.example', smtp } })
    const { admin } = world.broker
    await admin.must(admin.patch(`/api/users/${world.alice.id}`, { email: 'alice@people.example' }))
  })
  afterAll(async () => {
    await world?.close()
    await vault?.stop()
    await office?.close()
  })

  async function letterTo(address: string, subject: string): Promise<string> {
    const theirs = () =>
      office.letters.find(
        ({ to, headers }) => to.includes(address) && decodedHeader(headers.get('subject') ?? '').includes(subject),
      )
    await expect.poll(theirs, { timeout: 15_000 }).toBeDefined()
    return theirs()!.plain
  }

  async function printed(words: readonly string[], token: string): Promise<string> {
    const lines: string[] = []
    const env = { LATCHKEY_CLI_URL: world.broker.url, LATCHKEY_CLI_TOKEN: token }
    const take = (line: string) => void lines.push(line)
    expect(await run(words, { env, print: take, tell: take })).toBe(0)
    return lines.join('\n')
  }

  it('says why and what to do: in the API, at the command line, and to the requester in the letter', async () => {
    const { alice, bob } = world
    const approval = { kind: 'approvers', users: [bob.id], groups: [], needed: 1 }
    const flow = await world.flow({ approval })
    const { id } = await world.request(alice, {
      flowId: flow.id,
      name: 'transit/orders',
      type: 'vault-transit-key',
      permissions: ['encrypt'],
    })
    // Between the plan that bob reads and the grant the keys go away.
    await vault.api('DELETE', 'sys/mounts/transit')
    await bob.api.must(bob.api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve' }))
    const { grantId } = await alice.api.must(alice.api.get(`/api/access-requests/${id}`))
    const failed = await world.until(alice, grantId, 'failed')
    expect(failed).toMatchObject({
      endReason: 'failed',
      problem: { code: 'access.ungrantable', message: expect.stringContaining('transit/orders'), fix: expect.any(String) },
    })
    const { code, message, fix } = failed.problem
    expect(failed.endNote).toBe(message)

    const letter = (await letterTo('alice@people.example', 'could not be set up')).replace(/\s+/g, ' ')
    expect(letter).toContain(`Reason: ${message}`)
    expect(letter).toContain(`What to do: ${fix}`)
    const [said] = (await world.broker.admin.must(world.broker.admin.get(`/api/audit?kind=grant.failed&subject=${grantId}`)))
      .items
    expect(said.data).toMatchObject({ code, message, fix })
    const shown = await printed(['grants', '--ended'], alice.token)
    expect(shown).toContain(`${grantId}: ${message} — ${fix} (${code})`)
    expect(await traces(vault)).toEqual([])
  })

  /** Approved, with the server away until something has changed. */
  async function approvedBeforeAnOutage(rule: object, change: (flowId: string) => Promise<unknown>): Promise<string> {
    const { alice, bob } = world
    const flow = await world.flow({ approval: { kind: 'approvers', users: [bob.id], groups: [], needed: 1 }, ...rule })
    const { id } = await world.request(alice, { flowId: flow.id })
    await vault.seal()
    await bob.api.must(bob.api.post(`/api/access-requests/${id}/approvals`, { decision: 'approve' }))
    const { grantId } = await alice.api.must(alice.api.get(`/api/access-requests/${id}`))
    await waitFor('the broker to have tried', async () => (await alice.api.get(`/api/grants/${grantId}`)).body.problem !== null)
    await change(flow.id)
    await vault.unseal()
    return grantId
  }

  it('does not begin outside the hours of its flow, although it was approved within them', async () => {
    const { alice, broker } = world
    const windows = [{ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '00:00', to: '24:00', timeZone: 'UTC' }]
    const grantId = await approvedBeforeAnOutage({ windows }, (flowId) =>
      broker.database.query(`update access_flow_versions set rule = jsonb_set(rule, '{windows}', $2::jsonb) where flow_id = $1`, [
        flowId,
        JSON.stringify([{ days: [anotherDay()], from: '00:00', to: '00:01', timeZone: 'UTC' }]),
      ]),
    )
    const failed = await world.until(alice, grantId, 'failed')
    expect(failed).toMatchObject({ problem: { code: 'access.denied', message: expect.stringContaining('only at other times') } })
    expect(await letterTo('alice@people.example', 'could not be set up')).toBeDefined()
    await expect
      .poll(() => office.letters.some(({ plain }) => plain.replace(/\s+/g, ' ').includes('it gives access only at other times')))
      .toBe(true)
    expect(await traces(vault)).toEqual([])
  })

  it('does not begin for somebody who has left the group that may have it', async () => {
    const { alice, broker } = world
    const group = await broker.admin.must(broker.admin.post('/api/groups', { name: 'who may' }))
    const membership = `/api/groups/${group.id}/members/${alice.id}`
    await broker.admin.must(broker.admin.put(membership))
    const grantId = await approvedBeforeAnOutage({ requesters: { kind: 'people', groups: [group.id], users: [] } }, () =>
      broker.admin.must(broker.admin.delete(membership)),
    )
    const failed = await world.until(alice, grantId, 'failed')
    expect(failed.problem).toMatchObject({ code: 'access.denied', message: expect.stringContaining('not among the people') })
    expect(await traces(vault)).toEqual([])
  })

  it('begins late where everything still holds', async () => {
    const { alice } = world
    const grantId = await approvedBeforeAnOutage({}, async () => undefined)
    await world.until(alice, grantId, 'active', 30_000)
    await alice.api.must(alice.api.post(`/api/grants/${grantId}/give-back`))
    await world.until(alice, grantId, 'revoked')
  })
})

function anotherDay(): string {
  const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
  return days[(new Date().getUTCDay() + 3) % 7]!
}
