import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { Sealer } from '../../src/platform/sealing/sealing.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { ownToken } from '../support/own-token.ts'
import { type Received, type Receiver, startReceiver } from '../support/receiver.ts'

let broker: Broker
let receiver: Receiver
beforeAll(async () => {
  broker = await startBroker({ config: { development: true } })
  receiver = await startReceiver()
})
afterAll(async () => {
  await receiver?.close()
  await broker?.close()
})
beforeEach(() => {
  receiver.reply = 204
  receiver.received.length = 0
})

let count = 0
const unique = (word: string) => `${word} ${++count}`

async function hooked(more: object = {}) {
  const { admin } = broker
  return admin.must(admin.post('/api/webhooks', { name: unique('hook'), url: receiver.url, events: ['group.*'], ...more }))
}

/** Something happens that webhooks hear of; answers the subject of the event. */
async function happening(): Promise<string> {
  return (await broker.admin.must(broker.admin.post('/api/groups', { name: unique('group') }))).id
}

const of = (subject: string) => receiver.received.filter((one) => one.body.data.subject === subject)
const arrived = (subject: string, times = 1) => expect.poll(() => of(subject).length).toBe(times)
const deliveriesOf = async (subject: string) =>
  (await broker.admin.must(broker.admin.get(`/api/notifications/deliveries?subject=${subject}`))).items
const remove = (id: string) => broker.admin.must(broker.admin.delete(`/api/webhooks/${id}`))

const id = (one: Received) => String(one.headers['webhook-id'])
function isSigned({ headers, text }: Received, secret: string): boolean {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`
  const signature = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
  return String(headers['webhook-signature']).split(' ').includes(signature)
}

describe('a webhook', () => {
  it('is told of what it asked for, signed, once', async () => {
    const hook = await hooked()
    expect(hook.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    const before = Date.now() / 1000 - 1
    const group = await happening()
    await broker.admin.must(broker.admin.post('/api/users', { name: unique('nobody asked') }))
    await arrived(group)
    const [one] = of(group)
    expect(one?.body).toMatchObject({
      type: 'group.created',
      timestamp: expect.stringMatching(/Z$/),
      data: { event: expect.stringMatching(/^aud_/), actor: { name: expect.stringMatching(/^admin/) } },
    })
    expect(isSigned(one!, hook.secret)).toBe(true)
    expect(isSigned({ ...one!, text: one!.text.replace('group', 'grape') }, hook.secret)).toBe(false)
    const sentAt = Number(one!.headers['webhook-timestamp'])
    expect([sentAt >= before, sentAt <= Date.now() / 1000]).toEqual([true, true])
    await expect.poll(async () => (await deliveriesOf(group))[0]?.state).toBe('sent')
    expect(await deliveriesOf(group)).toMatchObject([{ id: id(one!), channel: 'webhook', to: { id: hook.id }, attempts: 1 }])
    expect(receiver.received.every((received) => received.body.type.startsWith('group.'))).toBe(true)
    await remove(hook.id)
  })

  it('shows its secret once, keeps it sealed, and has no word of it in the trail or the log', async () => {
    const hook = await hooked({ url: `${receiver.url}/token-in-the-path` })
    const { admin, database, log } = broker
    const seen = [await admin.get(`/api/webhooks/${hook.id}`), await admin.get('/api/webhooks')]
    const kept = await database.query("select to_jsonb(w) - 'url' as row from webhooks w")
    const trail = await database.query('select * from audit_events where subject = $1', [hook.id])
    const told = JSON.stringify([seen.map(({ text }) => text), kept, trail, log])
    expect(told).not.toContain(hook.secret)
    expect(told).not.toContain(hook.secret.slice('whsec_'.length))
    expect(JSON.stringify([kept, trail, log])).not.toContain('token-in-the-path')
    await remove(hook.id)
  })

  it('may know either secret while it is being changed, and only the new one afterwards', async () => {
    const hook = await hooked()
    const { admin, database } = broker
    const rotated = await admin.must(admin.post(`/api/webhooks/${hook.id}/rotate`, { overlapSeconds: 3600 }))
    expect(rotated.formerSecretUntil).not.toBeNull()
    const during = await happening()
    await arrived(during)
    expect([hook.secret, rotated.secret].map((secret) => isSigned(of(during)[0]!, secret))).toEqual([true, true])
    await database.query(`update webhooks set before_until = now() - interval '1 second' where id = $1`, [hook.id])
    const after = await happening()
    await arrived(after)
    expect([hook.secret, rotated.secret].map((secret) => isSigned(of(after)[0]!, secret))).toEqual([false, true])
    expect((await admin.get(`/api/webhooks/${hook.id}`)).body.formerSecretUntil).toBeNull()
    await remove(hook.id)
  })

  it('keeps its secret when an admin moves it, and signs nothing for a URL that did not come through the broker', async () => {
    const hook = await hooked()
    const { admin, database } = broker
    await admin.must(admin.patch(`/api/webhooks/${hook.id}`, { url: `${receiver.url}/moved` }))
    const moved = await happening()
    await arrived(moved)
    expect(isSigned(of(moved)[0]!, hook.secret)).toBe(true)
    await database.query('update webhooks set url = $2 where id = $1', [hook.id, `${receiver.url}/elsewhere`])
    receiver.received.length = 0
    const tried = async () => admin.must(admin.post(`/api/webhooks/${hook.id}/test`))
    expect(await tried()).toMatchObject({ ok: false, detail: expect.stringContaining('not what the broker sealed there') })
    expect(receiver.received).toEqual([])
    const { formerSecretUntil } = await admin.must(admin.post(`/api/webhooks/${hook.id}/rotate`, { overlapSeconds: 3600 }))
    expect(formerSecretUntil).toBeNull()
    expect(await tried()).toMatchObject({ ok: true })
    await remove(hook.id)
  })

  it('has its secret bound to its URL by the first start of this version, once', async () => {
    const hook = await hooked()
    const { database, key } = broker
    const free = new Sealer(key).seal(hook.secret, { table: 'webhooks', row: hook.id, column: 'sealed' })
    const older = () => database.query('update webhooks set sealed = $2 where id = $1', [hook.id, free])
    const restarted = () => startBroker({ database, key, config: { development: true } })
    await older()
    const second = await restarted()
    expect(await second.admin.must(second.admin.post(`/api/webhooks/${hook.id}/test`))).toMatchObject({ ok: true })
    expect(isSigned(receiver.received.at(-1)!, hook.secret)).toBe(true)
    await second.close()
    await older()
    const third = await restarted()
    expect(await third.admin.must(third.admin.post(`/api/webhooks/${hook.id}/test`))).toMatchObject({ ok: false })
    await third.close()
    await remove(hook.id)
  })

  it('can be tried out, and says what came of it', async () => {
    const hook = await hooked()
    const tryOut = async () => (await broker.admin.must(broker.admin.post(`/api/webhooks/${hook.id}/test`))) as object
    expect(await tryOut()).toEqual({ ok: true, detail: 'the receiver answered 204' })
    expect(receiver.received).toMatchObject([{ body: { type: 'webhook.test', data: { webhook: hook.id } } }])
    receiver.reply = 401
    expect(await tryOut()).toEqual({ ok: false, detail: '127.0.0.1 answered 401' })
    await remove(hook.id)
  })

  it.each([
    [{ url: 'https://169.254.169.254/latest' }, 'url'],
    [{ url: 'http://hooks.example.com/' }, 'url'],
    [{ url: 'https://user:pw@hooks.example.com/' }, 'url'],
    [{ url: 'nonsense' }, 'url'],
    [{ events: ['Grant.*'] }, 'events.0'],
    [{ events: ['grant*'] }, 'events.0'],
    [{ events: ['*', 'grant.revokd'] }, 'events.1'],
    [{ events: ['gants.*'] }, 'events.0'],
    [{ events: [] }, 'events'],
    [{ secret: 'whsec_mine' }, 'secret'],
  ])('is refused with %j', async (more, field) => {
    const { admin } = broker
    const answer = await admin.post('/api/webhooks', { name: unique('bad'), url: receiver.url, ...more })
    expect(answer).toMatchObject({ status: 400, body: { code: 'input.invalid', field } })
  })

  it('is an admin’s business', async () => {
    const { admin } = broker
    const user = await admin.must(
      admin.post('/api/users', { name: unique('owner'), roles: ['owner', 'auditor', 'approver', 'member'] }),
    )
    const { token } = await ownToken(broker.database, user.id, ['read', 'manage', 'audit'])
    const hook = await hooked()
    const them = broker.api(token)
    const answers = await Promise.all([
      them.get('/api/webhooks'),
      them.get(`/api/webhooks/${hook.id}`),
      them.post('/api/webhooks', { name: 'x', url: receiver.url }),
      them.patch(`/api/webhooks/${hook.id}`, { active: false }),
      them.delete(`/api/webhooks/${hook.id}`),
      them.post(`/api/webhooks/${hook.id}/rotate`, {}),
      them.post(`/api/webhooks/${hook.id}/test`),
      them.get('/api/notifications/deliveries'),
      them.post('/api/notifications/deliveries/ntf_00000000000000000000000000/retry'),
    ])
    expect(answers.map(({ status }) => status)).toEqual(Array(9).fill(403))
    await remove(hook.id)
  })
})

describe('a receiver that is down', () => {
  /** As if an hour had gone by. */
  const turn = (hours: number) =>
    broker.database.query(
      `with older as (update notification_deliveries set waiting_since = waiting_since - make_interval(hours => $1) where state = 'waiting')
       update due_work set run_at = now() where kind like 'notification.%' and locked_by is null`,
      [hours],
    )
  const attempts = async (subject: string) => (await deliveriesOf(subject))[0]?.attempts ?? 0

  it('loses nothing in an hour: every message arrives in the end, each under the id of its first attempt', async () => {
    const hook = await hooked()
    receiver.reply = 503
    const groups = await Promise.all(Array.from({ length: 20 }, happening))
    for (const group of groups) await expect.poll(() => of(group).length).toBeGreaterThan(0)
    await turn(1)
    for (const group of groups) await expect.poll(() => of(group).length).toBeGreaterThan(1)
    expect(await deliveriesOf(groups[0]!)).toMatchObject([
      { state: 'waiting', lastError: '127.0.0.1 answered 503', settledAt: null },
    ])
    receiver.reply = 200
    await turn(0)
    await waitFor('all to arrive', async () => {
      const states = await Promise.all(groups.map(async (group) => (await deliveriesOf(group))[0].state))
      return states.every((state) => state === 'sent')
    })
    for (const group of groups) expect(new Set(of(group).map(id)).size).toBe(1)
    expect(new Set(receiver.received.map(id)).size).toBe(20)
    await remove(hook.id)
  })

  it('is given up after a day, visibly, and tried again when an admin says so', async () => {
    const hook = await hooked()
    const { admin } = broker
    receiver.reply = 500
    const group = await happening()
    await arrived(group)
    await turn(25)
    await expect.poll(async () => (await deliveriesOf(group))[0].state).toBe('dead')
    const [dead] = await deliveriesOf(group)
    expect(dead).toMatchObject({ lastError: '127.0.0.1 answered 500', nextAttemptAt: null, settledAt: expect.any(String) })
    const metrics = (await broker.api().get('/metrics')).text
    expect(metrics).toMatch(/latchkey_notifications_dead_total\{[^}]*channel="webhook"[^}]*\} 1/)
    expect(metrics).toMatch(/latchkey_notifications_unsettled\{[^}]*state="dead"[^}]*\} 1/)
    expect((await admin.get('/api/notifications/deliveries?state=dead')).body.items).toMatchObject([{ id: dead.id }])
    const before = await attempts(group)
    receiver.reply = 200
    expect((await admin.post(`/api/notifications/deliveries/${dead.id}/retry`)).body).toMatchObject({ state: 'waiting' })
    await expect.poll(async () => (await deliveriesOf(group))[0].state).toBe('sent')
    expect(await attempts(group)).toBe(before + 1)
    expect(new Set(of(group).map(id))).toEqual(new Set([dead.id]))
    expect((await admin.post(`/api/notifications/deliveries/${dead.id}/retry`)).status).toBe(409)
    await remove(hook.id)
  })

  it('keeps no other receiver waiting', async () => {
    const silent = await startReceiver()
    silent.reply = () => {}
    const stuck = await hooked({ url: silent.url })
    const hook = await hooked()
    const groups = await Promise.all(Array.from({ length: 30 }, happening))
    for (const group of groups) await arrived(group)
    expect(silent.received.length).toBeGreaterThan(0)
    await remove(stuck.id)
    await silent.close()
    await remove(hook.id)
  })

  it('gets what waited for it when it is switched on again, and nothing once it is removed', async () => {
    const hook = await hooked()
    const { admin } = broker
    receiver.reply = 503
    const waiting = await happening()
    await arrived(waiting)
    await admin.must(admin.patch(`/api/webhooks/${hook.id}`, { active: false }))
    const unheard = await happening()
    await waitFor('the chain to be read to its end', async () => {
      const [lag] = await broker.database.query('select h.seq - c.seq as events from audit_head h, notification_cursor c')
      return Number(lag?.['events']) === 0
    })
    await turn(0)
    await expect.poll(async () => (await deliveriesOf(waiting))[0].lastError).toBe('the webhook is switched off')
    expect(await deliveriesOf(unheard), 'what happens meanwhile is not kept for it').toEqual([])
    receiver.reply = 200
    await admin.must(admin.patch(`/api/webhooks/${hook.id}`, { active: true }))
    await turn(0)
    await expect.poll(async () => (await deliveriesOf(waiting))[0].state).toBe('sent')
    receiver.reply = 503
    const lost = await happening()
    await arrived(lost)
    await remove(hook.id)
    expect(await deliveriesOf(lost)).toMatchObject([{ state: 'dead', lastError: 'the webhook was removed', to: { name: null } }])
  })
})
