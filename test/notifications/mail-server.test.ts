import { describe, expect, it } from 'vitest'
import { CONFIG } from '../../src/platform/platform.module.ts'
import { Secret } from '../../src/sdk/index.ts'
import { lettersHere } from '../support/letters.ts'
import { startReceiver } from '../support/receiver.ts'
import type { PostOffice } from '../support/smtp.ts'
import type { PersonInWorld, World } from '../support/world.ts'

let office: PostOffice
let world: World
let alice: PersonInWorld
let bob: PersonInWorld

const { flowFor, told, deliveriesOf, turn } = lettersHere((letters) => {
  ;({ office, world, alice, bob } = letters)
})

describe('the mail server', () => {
  it('may ask us to come back, and gets the letter then, under the same id', async () => {
    office.refuse = () => ({ code: 451, message: '4.7.1 greylisted, come back later' })
    const flow = await flowFor([bob])
    const { id } = await world.request(alice, { flowId: flow.id })
    await expect.poll(async () => (await deliveriesOf(id))[0]?.lastError).toContain('4.7.1 greylisted')
    const waiting = await deliveriesOf(id)
    office.refuse = () => undefined
    await turn()
    const letter = await told('bob@people.example', `${alice.name} asks you to approve access to kv/app/db`)
    expect(waiting.map((one: { id: string }) => `<${one.id}@broker.example>`)).toContain(letter.headers.get('message-id'))
  })

  it('may refuse one person, and everybody else is told', async () => {
    office.refuse = (address) => (address.startsWith('bob') ? { code: 550, message: '5.1.1 no such user' } : undefined)
    const flow = await flowFor([bob])
    const { id } = await world.request(alice, { flowId: flow.id })
    await told('alice@people.example', 'You asked for access to kv/app/db')
    const bobs = async () => (await deliveriesOf(id)).find((one: { to: { id: string } }) => one.to.id === bob.id)
    await expect.poll(async () => (await bobs())?.lastError).toContain('550 5.1.1 no such user')
    expect((await bobs()).state).toBe('waiting')
  })

  it('may refuse the whole letter, and is asked again', async () => {
    office.refuseLetter = () => ({ code: 554, message: '5.6.0 not today' })
    const flow = await flowFor([bob])
    await world.request(alice, { flowId: flow.id })
    await expect.poll(() => office.attempts).toBeGreaterThan(2)
    office.refuseLetter = () => undefined
    await turn()
    await told('bob@people.example', `${alice.name} asks you to approve access to kv/app/db`)
  })

  it('that refuses our password reads nothing of it in what we keep or log', async () => {
    const { smtp } = world.broker.app.get<{ smtp: { login: { password: Secret } } }>(CONFIG)
    const right = smtp.login.password
    smtp.login.password = new Secret('canary-that-is-wrong')
    try {
      const flow = await flowFor([bob])
      const { id } = await world.request(alice, { flowId: flow.id })
      await expect.poll(async () => (await deliveriesOf(id))[0]?.lastError).toBe('127.0.0.1 refused the login (535)')
    } finally {
      smtp.login.password = right
    }
    expect(world.broker.log.join('')).not.toMatch(/canary-(that-is-wrong|of-the-mail-server)/)
  })
})

describe('ending access', () => {
  it('waits for nobody who is to be told of it: silent receivers, a silent mail server, a thousand letters', async () => {
    const silent = await startReceiver()
    silent.reply = () => {}
    const { admin, database } = world.broker
    for (const name of ['one', 'two', 'three']) {
      await admin.must(admin.post('/api/webhooks', { name: `silent ${name}`, url: silent.url }))
    }
    office.refuse = () => ({ code: 451, message: 'later' })
    await database.query(
      `with event as (select id from audit_events limit 1),
       put as (
         insert into notification_deliveries (id, event_id, kind, channel, target)
         select 'ntf_' || lpad(n::text, 26, '0'), event.id, 'own' || n, 'email', $1 from event, generate_series(1, 1000) n returning id)
       insert into due_work (lane, kind, subject, shard, run_at) select 'notify', 'notification.email', id, 'email', now() from put`,
      [alice.id],
    )
    const grantId = await world.grant(alice, { seconds: 3 })
    await world.until(alice, grantId, 'expired', 30_000)
    const [end] = await database.query<{ proved: boolean; waiting: number }>(
      `select receipt is not null as proved, (select count(*)::int from notification_deliveries where state = 'waiting') as waiting
       from grants where id = $1`,
      [grantId],
    )
    expect(end?.proved).toBe(true)
    expect(end?.waiting, 'who is to be told waits still').toBeGreaterThanOrEqual(1000)
    await expect.poll(() => silent.received.some((one) => one.body.data.subject === grantId)).toBe(true)
    await silent.close()
  })
})
