import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { within } from '../support/database.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'

const ROUNDS = 6
const PER_ROUND = 15

let daemon: Daemon
let receiver: Receiver
beforeAll(async () => {
  receiver = await startReceiver()
  daemon = await startDaemon({ env: { LATCHKEY_DEVELOPMENT: 'true' } })
  await daemon.admin.must(
    daemon.admin.post('/api/webhooks', { name: 'all groups', url: receiver.url, events: ['group.created'] }),
  )
})
afterAll(async () => {
  await daemon?.close()
  await receiver?.close()
})
beforeEach(() => {
  receiver.reply = 204
  receiver.received.length = 0
})

let count = 0
const happening = async () => {
  count += 1
  return (await daemon.admin.must(daemon.admin.post('/api/groups', { name: `group ${count}` }))).id as string
}
const of = (subject: string) => receiver.received.filter((one) => one.body.data.subject === subject)
const idsOf = (subject: string) => new Set(of(subject).map((one) => one.headers['webhook-id']))

describe('a daemon that is killed', () => {
  it('after the receiver had the message and before it said so, sends it again under the same id', async () => {
    receiver.reply = () => {} // has it, and does not answer
    const group = await happening()
    await expect.poll(() => of(group).length).toBe(1)
    await daemon.kill()
    receiver.reply = 204
    await daemon.start()
    await expect.poll(() => of(group).length).toBe(2)
    expect(idsOf(group).size).toBe(1)
    await waitFor('the delivery to be settled', async () => {
      const { body } = await daemon.admin.get(`/api/notifications/deliveries?subject=${group}`)
      return body.items[0].state === 'sent'
    })
  })

  it('while it puts notifications down, has put down all of a batch or nothing', async () => {
    // With the cursor in somebody else's hand nothing is read; with the table of deliveries locked the cursor is held and cannot move.
    const groups = await within(daemon.database.url, async (client) => {
      await client.query('begin')
      await client.query('lock table notification_deliveries in access exclusive mode')
      const made = [await happening(), await happening()]
      await waitFor('the dispatcher to stand before its insert', async () => {
        const [waiting] = await daemon.database.query<{ n: string }>(
          `select count(*) as n from pg_stat_activity where wait_event_type = 'Lock' and query like '%into notification_deliveries%'`,
        )
        return Number(waiting?.n) > 0
      })
      await daemon.kill()
      await client.query('rollback')
      return made
    })
    await daemon.start()
    for (const group of groups) await expect.poll(() => of(group).length).toBe(1)
  })

  it('at any moment, tells of everything at least once, and of each under one id', async () => {
    const groups: string[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let i = 0; i < PER_ROUND; i += 1) groups.push(await happening())
      // The moment is the point: reading, putting down, sending, settling.
      const enough = receiver.received.length + randomInt(PER_ROUND)
      await waitFor('some of it to arrive', async () => receiver.received.length >= enough)
      await daemon.kill()
      await daemon.start()
    }
    await waitFor('everything to arrive', async () => groups.every((group) => of(group).length > 0))
    await waitFor('everything to be settled', async () => {
      const { body } = await daemon.admin.get('/api/notifications/deliveries?state=waiting')
      return body.items.length === 0
    })
    for (const group of groups) expect(idsOf(group).size).toBe(1)
    expect(new Set(receiver.received.map((one) => one.headers['webhook-id'])).size).toBe(groups.length)
    expect((await daemon.admin.get('/api/notifications/deliveries?state=dead')).body.items).toEqual([])
  }, 180_000)

  it('beside a replica that lives, is made up for by that one, without a second notification', async () => {
    const second = await startDaemon({ beside: daemon, env: { LATCHKEY_DEVELOPMENT: 'true' } })
    try {
      const groups = await Promise.all(Array.from({ length: PER_ROUND }, happening))
      await daemon.kill()
      await waitFor('everything to arrive', async () => groups.every((group) => of(group).length > 0))
      const put = await daemon.database.query<{ n: number }>(
        `select count(*)::int as n from notification_deliveries d join audit_events e on e.id = d.event_id where e.subject = any($1)`,
        [groups],
      )
      expect(put).toEqual([{ n: PER_ROUND }])
    } finally {
      await second.close()
      await daemon.start()
    }
  })
})
