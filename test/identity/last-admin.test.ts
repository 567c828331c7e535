import { describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { startBroker } from '../support/broker.ts'
import { within } from '../support/database.ts'
import { ownToken } from '../support/own-token.ts'

describe('the last active admin', () => {
  it('cannot be disabled or lose the role, alone or in a race', async () => {
    const own = await startBroker()
    const { admin } = own
    const { id } = (await admin.get('/api/me')).body
    for (const change of [{ state: 'disabled' }, { roles: ['member'] }, { roles: [] }]) {
      expect(await admin.patch(`/api/users/${id}`, change)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    }
    expect(await admin.patch(`/api/users/${id}`, { roles: ['admin'] })).toMatchObject({ status: 200 })

    const second = await admin.must(admin.post('/api/users', { name: 'second', roles: ['admin'] }))
    const statuses = await Promise.all(
      [id, second.id].map(async (one) => (await admin.patch(`/api/users/${one}`, { roles: [] })).status),
    )
    expect(statuses.filter((status) => status !== 200)).toEqual([expect.toBeOneOf([403, 409])])
    const left = await own.database.query(`select id from users where state = 'active' and 'admin' = any(roles)`)
    expect(left).toHaveLength(1)
    await own.close()
  })

  it('is left by two who take the role from each other at the same moment', async () => {
    const own = await startBroker()
    const { id } = (await own.admin.get('/api/me')).body
    const second = await own.admin.must(own.admin.post('/api/users', { name: 'second', roles: ['admin'] }))
    await ownToken(own.database, second.id, ['read'])
    // Nobody's commit gets through until both have looked who is left.
    const { statuses } = await within(own.database.url, async (client) => {
      await client.query('begin')
      await client.query('select from audit_head for update')
      const changes = [id, second.id].map((one) => own.admin.patch(`/api/users/${one}`, { roles: [] }))
      await waitFor('both to wait', async () => {
        const waiting = await own.database.query(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
        return waiting.length >= 2
      })
      await client.query('rollback')
      return { statuses: (await Promise.all(changes)).map(({ status }) => status) }
    })
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, expect.toBeOneOf([403, 409])])
    await own.close()
  })

  it('keeps the group that makes them one, and the role goes to nobody else in the meantime', async () => {
    const own = await startBroker()
    const { admin } = own
    const { id } = (await admin.get('/api/me')).body
    const group = await admin.must(admin.post('/api/groups', { name: 'admins' }))
    await admin.must(admin.put(`/api/role-groups/admin/${group.id}`))
    await own.database.query('insert into group_members (group_id, user_id) values ($1, $2)', [group.id, id])
    // Another road leads to the role, so the own one may go.
    expect((await admin.patch(`/api/users/${id}`, { roles: ['member'] })).status).toBe(200)
    for (const path of [
      `/api/groups/${group.id}/members/${id}`,
      `/api/role-groups/admin/${group.id}`,
      `/api/groups/${group.id}`,
    ]) {
      expect(await admin.delete(path), path).toMatchObject({ status: 409, body: { code: 'conflict' } })
    }
    expect((await admin.patch(`/api/users/${id}`, { state: 'disabled' })).status).toBe(409)
    await own.close()
  })
})
