import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Api } from '../support/api.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { within } from '../support/database.ts'
import { ownToken } from '../support/own-token.ts'

const ROUNDS = 4

let daemon: Daemon
let second: Api
let integrationId: string
beforeAll(async () => {
  daemon = await startDaemon({ env: { LATCHKEY_FOUR_EYES: 'on', LATCHKEY_DEVELOPMENT: 'true' } })
  const { admin, database } = daemon
  const { id } = await admin.must(admin.post('/api/users', { name: 'second admin', roles: ['admin'] }))
  second = daemon.api((await ownToken(database, id, ['read', 'manage'])).token)
  const config = { address: 'http://127.0.0.1:1', auth: { method: 'token', token: 'nobody’s' } }
  const proposed = await admin.must(
    admin.post('/api/integrations', { name: 'somewhere', plugin: 'vault', config, skipTest: true }),
  )
  await second.must(second.post(`/api/proposals/${proposed.id}/accept`))
  integrationId = (await admin.must(admin.get('/api/integrations'))).items[0].id
})
afterAll(async () => {
  await daemon?.close()
})

const propose = async (name: string): Promise<string> => {
  const rule = {
    requesters: { kind: 'everyone' },
    resources: [{ paths: ['kv/app/*'] }],
    permissions: { 'vault-kv-secret': ['read'] },
    maxSeconds: 600,
    approval: { kind: 'automatic' },
  }
  return (await daemon.admin.must(daemon.admin.post('/api/access-flows', { name, integrationId, rule }))).id
}
const accept = (id: string) => second.post(`/api/proposals/${id}/accept`).catch(() => undefined) // it dies under the call
const stateOf = async (id: string) => (await second.get(`/api/proposals/${id}`)).body.state as string
const flowsNamed = async (name: string) =>
  (await daemon.admin.must(daemon.admin.get('/api/access-flows?limit=200'))).items.filter(
    (flow: { name: string }) => flow.name === name,
  )
const said = async (id: string) =>
  (await daemon.database.query<{ kind: string }>('select kind from audit_events where subject = $1 order by id', [id])).map(
    ({ kind }) => kind,
  )

describe('an accepted change', () => {
  it('is made exactly once after the restart when the daemon was killed between accepting and making it', async () => {
    const id = await propose('killed in between')
    await within(daemon.database.url, async (client) => {
      await client.query('begin')
      await client.query('lock table access_flows in share row exclusive mode') // nobody writes a flow
      const answer = accept(id)
      await waitFor('it to be accepted', async () => (await stateOf(id)) === 'accepted')
      await waitFor('the daemon to stand before the flow', async () => {
        const [waiting] = await daemon.database.query<{ n: string }>(
          `select count(*) as n from pg_stat_activity where wait_event_type = 'Lock' and query like '%insert into access_flows%'`,
        )
        return Number(waiting?.n) > 0
      })
      await daemon.kill()
      await client.query('rollback')
      await answer
    })
    expect(await daemon.database.query('select state from proposals where id = $1', [id])).toEqual([{ state: 'accepted' }])
    expect(await daemon.database.query(`select 1 from access_flows where name = 'killed in between'`)).toEqual([])
    await daemon.start()
    await waitFor('the change to be made', async () => (await stateOf(id)) === 'performed', 40_000)
    expect(await flowsNamed('killed in between')).toHaveLength(1)
    expect(await said(id)).toEqual(['proposal.made', 'proposal.accepted', 'proposal.performed'])
  }, 90_000)

  it('is made although its row of due work was lost', async () => {
    const id = await propose('lost work')
    await within(daemon.database.url, async (client) => {
      await client.query('begin')
      await client.query('lock table access_flows in share row exclusive mode')
      const answer = accept(id)
      await waitFor('it to be accepted', async () => (await stateOf(id)) === 'accepted')
      await daemon.kill()
      await client.query(`delete from due_work where subject = $1`, [id])
      await client.query('commit')
      return answer
    })
    await daemon.start()
    await waitFor('the change to be made', async () => (await stateOf(id)) === 'performed', 40_000)
    expect(await flowsNamed('lost work')).toHaveLength(1)
  }, 90_000)

  it('is made exactly once whenever the daemon is killed', async () => {
    const names = Array.from({ length: ROUNDS }, (_, round) => `killed at random ${round}`)
    const proposals: string[] = []
    for (const name of names) {
      const id = await propose(name)
      proposals.push(id)
      const accepting = accept(id)
      await sleep(randomInt(60)) // the moment is the point
      await daemon.kill()
      await accepting
      await daemon.start()
    }
    for (const [round, id] of proposals.entries()) {
      await waitFor('it to be decided again or made', async () => /open|performed/.test(await stateOf(id)), 40_000)
      const isOpen = (await stateOf(id)) === 'open' // killed before anybody decided
      expect(await flowsNamed(names[round]!)).toHaveLength(isOpen ? 0 : 1)
    }
  }, 180_000)
})
