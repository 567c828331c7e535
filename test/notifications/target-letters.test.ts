import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../dev/vault/vault-binary.ts'
import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Config } from '../../src/config/config.ts'
import { SessionAlarm } from '../../src/integrations/health/session-alarm.ts'
import { TargetSessions } from '../../src/integrations/health/target-sessions.ts'
import { startBroker } from '../support/broker.ts'
import { type Relay, startRelay } from '../support/relay.ts'
import { decodedHeader, type PostOffice, startPostOffice } from '../support/smtp.ts'
import { furnished, inhabit, type World } from '../support/world.ts'

const [binary] = await serversUnderTest()
const BACKDOOR = 'canary-password-of-a-back-door'

describe('what somebody else did to a target', () => {
  let office: PostOffice
  let vault: VaultServer
  let relay: Relay
  let world: World
  let config: Partial<Config>
  const people: Record<string, string> = {}
  /** all that was ever written, and what must be in none of it */
  const sent: string[] = []
  const secrets = [BACKDOOR, 'orange']

  beforeAll(async () => {
    office = await startPostOffice()
    vault = await startVaultServer({ binary })
    relay = await startRelay(vault.address)
    const from = { name: 'Latchkey', address: 'latchkey@broker.example' }
    config = { smtp: { host: '127.0.0.1', port: office.port, secure: false, from }, stuckAfterSeconds: 0 }
    const broker = await startBroker({ config })
    world = await inhabit(broker, vault, { ...(await furnished(vault)), address: relay.url })
    const roles = { ann: 'admin', amy: 'admin', owen: 'owner', audrey: 'auditor', mel: 'member' }
    for (const [name, role] of Object.entries(roles)) {
      const body = { name, roles: [role], email: `${name}@people.example` }
      people[name] = (await admin().must(admin().post('/api/users', body))).id
    }
    await admin().must(admin().patch(`/api/users/${world.alice.id}`, { email: 'alice@people.example' }))
  })
  afterAll(async () => {
    await world?.close()
    await relay?.close()
    await vault?.stop()
    await office?.close()
  })

  const admin = () => world.broker.admin
  const at = () => `/api/integrations/${world.integrationId}`
  const sweep = () => admin().must(admin().post(`${at()}/sweep`))

  /** The letters with these words in their subject, once everybody was written to: who had one, as often as they had one, and one of them. */
  async function told(words: string): Promise<{ readers: string[]; plain: string }> {
    await waitFor('all letters to be sent', async () => {
      const [left] = await world.broker.database.query(
        `select 1 from notification_deliveries d where d.state = 'waiting'
         union select 1 from notification_cursor c where c.seq < (select max(seq) from audit_chain)`,
      )
      return left === undefined
    })
    const letters = office.letters.splice(0)
    sent.push(...letters.map(({ raw, plain, html }) => `${raw} ${plain} ${html}`))
    const about = letters.filter(({ headers }) => decodedHeader(headers.get('subject') ?? '').includes(words))
    return { readers: about.flatMap(({ to }) => to.map((each) => each.split('@')[0]!)).toSorted(), plain: about[0]?.plain ?? '' }
  }

  it('is told to every admin, once, when something foreign is found', async () => {
    await vault.api('POST', 'auth/apono/users/backdoor', { password: BACKDOOR })
    for (let times = 0; times < 2; times += 1) expect((await sweep()).foreign).toEqual(['user backdoor'])
    const { readers, plain } = await told('found in a target under the broker’s own names')
    expect(readers).toEqual(['amy', 'ann'])
    expect(plain).toContain('user backdoor')
    await vault.api('DELETE', 'auth/apono/users/backdoor')
    await sweep()
  })

  it('is told to every admin, once, when so many grants look altered that none is ended', async () => {
    const grants = await Promise.all(Array.from({ length: 6 }, () => world.grant(world.alice, {})))
    secrets.push((await world.open(world.alice, grants[0]!)).token)
    for (const id of grants) {
      const steps = await admin().must(admin().get(`/api/grants/${id}/steps`))
      await vault.api('DELETE', `sys/policies/acl/${steps.find(({ kind }: { kind: string }) => kind === 'policy').args.name}`)
    }
    for (let times = 0; times < 2; times += 1) expect((await sweep()).suspected).toHaveLength(6)
    const { readers, plain } = await told('an admin must look')
    expect(readers).toEqual(['amy', 'ann'])
    expect(plain).toContain(world.integrationId)
    for (const id of grants) await admin().must(admin().post(`/api/grants/${id}/revoke`, { reason: 'looked at' }))
    for (const id of grants) await world.until(world.alice, id, 'revoked')
    await told('')
  })

  it('is told to every admin, to who had the access and to who is to be told of it, once each, when it is written off', async () => {
    const flow = await world.flow({ notify: { users: [people['mel']], groups: [] } })
    const grantId = await world.grant(world.alice, { flowId: flow.id })
    const { token, fields } = await world.open(world.alice, grantId)
    secrets.push(token, ...Object.values(fields))
    relay.leadTo(undefined)
    const { name } = await admin().must(admin().get(at()))
    await admin().must(admin().post(`${at()}/end-access`, { confirm: name, reason: 'it is gone' }))
    await world.until(world.alice, grantId, 'stuck')
    await told('')
    await admin().must(admin().post(`${at()}/write-off`, { confirm: name, reason: 'the machine burnt' }))
    const { readers, plain } = await told('written off: nobody has proved that it is gone')
    expect(readers).toEqual(['alice', 'amy', 'ann', 'mel'])
    expect(plain).toContain('the machine burnt')
    relay.leadTo(vault.address)
  })

  it('is told to every admin and to its owners when the broker cannot keep its login, once for all replicas, and once when it can again', async () => {
    const { broker } = world
    await admin().must(admin().put(`${at()}/ownership`, { owners: { users: [people['mel']], groups: [] }, resourceOwner: null }))
    await vault.api('POST', 'auth/approle/role/latchkey', { token_ttl: '20s' })
    await admin().must(admin().post(`${at()}/resume`))
    const other = await startBroker({ database: broker.database, key: broker.key, config })
    try {
      const both = [broker, other]
      for (const { app } of both) app.get(SessionAlarm).alarmAfterMs = 0
      for (const { api } of both) await admin().must(api(broker.adminToken).post(`${at()}/health`))
      await told('')
      relay.leadTo(undefined)
      const look = () => Promise.all(both.map(({ app }) => app.get(TargetSessions).beat()))
      const degraded = async () => {
        const ready = await Promise.all(both.map(({ api }) => api().get('/readyz')))
        return ready.filter(({ body }) => body.degraded?.includes(`integration ${world.integrationId}`)).length
      }
      await waitFor('both replicas to find it lost', async () => (await degraded()) === 2)
      for (let times = 0; times < 3; times += 1) await look()
      const lost = await told('cannot keep its login')
      expect(lost.readers).toEqual(['amy', 'ann', 'mel'])
      expect(lost.plain).toMatch(/^Reason: .+/m)
      relay.leadTo(vault.address)
      await waitFor('both replicas to be logged in again', async () => (await degraded()) === 0)
      await waitFor('it to be called well again', async () => {
        await look()
        return (await broker.database.query(`select 1 from integrations where session_lost_since is null`)).length === 1
      })
      expect((await told('logged in at a target again')).readers).toEqual(['amy', 'ann', 'mel'])
    } finally {
      await other.close()
    }
  })

  it('is told without a secret', () => {
    expect(sent.length).toBeGreaterThan(8)
    for (const secret of secrets) expect(sent.filter((letter) => letter.includes(secret))).toEqual([])
  })
})
