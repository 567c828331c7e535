import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { proposalView } from '../../src/contract/proposals.ts'
import { Audiences } from '../../src/notifications/audiences.ts'
import { newId } from '../../src/platform/ids.ts'
import { Database } from '../../src/platform/postgres/database.ts'
import { type Broker, startBroker } from '../support/broker.ts'

let broker: Broker
const ids: Record<string, string> = {}
beforeAll(async () => {
  broker = await startBroker()
  for (const role of ['admin', 'owner']) {
    const body = { name: `an ${role}`, email: `${role}@people.example`, roles: [role, 'member'] }
    ids[role] = (await broker.admin.must(broker.admin.post('/api/users', body))).id
  }
})
afterAll(() => broker?.close())

describe('a change that waits for a second person', () => {
  it.each(proposalView.shape.kind.options)('is told to those who may accept it, and to nobody else: %s', async (kind) => {
    const event = {
      id: newId('aud'),
      at: new Date(0),
      kind: 'proposal.made',
      actor: newId('usr'),
      subject: newId('prp'),
      data: { kind },
    }
    const told = await broker.app.get(Database).transaction((tx) => broker.app.get(Audiences).of(tx, event, undefined))
    expect(told.get(ids['admin']!)).toBe('accept')
    expect(told.get(ids['owner']!)).toBe(kind.startsWith('flow.') ? 'accept' : undefined)
  })
})
