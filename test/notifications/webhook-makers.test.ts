import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { SCOPES } from '../../src/contract/identity.ts'
import type { Api } from '../support/api.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { ownToken, tokenThrough } from '../support/own-token.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { decodedHeader, type PostOffice, startPostOffice } from '../support/smtp.ts'

let office: PostOffice
let broker: Broker
let receiver: Receiver
beforeAll(async () => {
  office = await startPostOffice()
  const from = { name: 'Latchkey', address: 'latchkey@broker.example' }
  const smtp = { host: '127.0.0.1', port: office.port, secure: false, from }
  broker = await startBroker({ config: { development: true, smtp } })
  receiver = await startReceiver()
  const me = await broker.admin.must(broker.admin.get('/api/me'))
  await broker.admin.must(broker.admin.patch(`/api/users/${me.id}`, { email: 'admin@people.example' }))
})
afterAll(async () => {
  await receiver?.close()
  await broker?.close()
  await office?.close()
})

let count = 0
const happening = async (): Promise<string> =>
  (await broker.admin.must(broker.admin.post('/api/groups', { name: `group ${++count}` }))).id
const heard = (subject: string) => receiver.received.some((one) => one.body.data.subject === subject)
const shown = (id: string) => broker.admin.must(broker.admin.get(`/api/webhooks/${id}`))
const paused = (id: string) => waitFor('the webhook to be paused', async () => !(await shown(id)).active)

/** An admin who leaves in some way, and a webhook that they made and that works. */
async function hooked() {
  const { admin } = broker
  const email = `maker-${++count}@people.example`
  const maker = await admin.must(admin.post('/api/users', { name: `maker ${count}`, roles: ['admin'], email }))
  const token = await ownToken(broker.database, maker.id, [...SCOPES])
  const api = broker.api(token.token)
  const hook = await api.must(api.post('/api/webhooks', { name: `hook ${count}`, url: receiver.url, events: ['group.*'] }))
  const before = await happening()
  await expect.poll(() => heard(before)).toBe(true)
  return { maker: { ...maker, email } as { id: string; email: string }, tokenId: token.id, api, hook: hook.id as string }
}

const LEFT = 'who made it was disabled, removed or refused, or is no longer an admin'
type Hooked = Awaited<ReturnType<typeof hooked>>
const patched = ({ maker }: Hooked, change: object) => broker.admin.must(broker.admin.patch(`/api/users/${maker.id}`, change))

describe('a webhook', () => {
  it.each<[string, (of: Hooked) => Promise<unknown>, string]>([
    ['is disabled', (of) => patched(of, { state: 'disabled' }), LEFT],
    ['is an admin no more', (of) => patched(of, { roles: ['member'] }), LEFT],
    [
      'had it made with a token that is revoked',
      ({ tokenId }) => broker.admin.must(broker.admin.delete(`/api/tokens/${tokenId}`)),
      'the token it was made with was revoked',
    ],
  ])('tells nobody any more once who made it %s, and admins are told what to do', async (_, leave, reason) => {
    const made = await hooked()
    const { hook, maker } = made
    const { admin } = broker
    office.letters.length = 0
    await leave(made)
    const unheard = await happening()
    await paused(hook)
    expect(await shown(hook)).toMatchObject({ active: false, pausedBecause: reason })
    const letters = () =>
      office.letters.filter(({ headers }) => /webhook was paused/.test(decodedHeader(headers.get('subject')!)))
    await expect.poll(() => letters().map(({ to }) => to.join())).toContain('admin@people.example')
    const letter = letters().find(({ to }) => to.includes('admin@people.example'))!
    expect(letter.plain).toContain(`Reason: ${reason}`)
    expect(letter.plain).toMatch(/What to do: look where it leads.*switch it on/)
    if (reason === LEFT) expect(letters().flatMap(({ to }) => to)).not.toContain(maker.email)
    const later = await happening()
    await waitFor('the chain to be read to its end', async () => {
      const [lag] = await broker.database.query('select h.seq - c.seq as events from audit_head h, notification_cursor c')
      return Number(lag?.['events']) === 0
    })
    expect([heard(unheard), heard(later)]).toEqual([false, false])

    await admin.must(admin.patch(`/api/webhooks/${hook}`, { active: true }))
    const after = await happening()
    await expect.poll(() => heard(after)).toBe(true)
    expect(await shown(hook), 'in the name of who switched it on').toMatchObject({ active: true, pausedBecause: null })
    await admin.must(admin.delete(`/api/webhooks/${hook}`))
  })

  it('goes on when the token it was made with runs out, or another one of its maker’s is revoked', async () => {
    const { hook, tokenId, maker } = await hooked()
    const { admin, database } = broker
    const other = await ownToken(database, maker.id, ['read'])
    await admin.must(admin.delete(`/api/tokens/${other.id}`))
    await database.query(`update api_tokens set created_at = now() - interval '1 hour', expires_at = now() where id = $1`, [
      tokenId,
    ])
    const group = await happening()
    await expect.poll(() => heard(group)).toBe(true)
    expect(await shown(hook)).toMatchObject({ active: true, pausedBecause: null })
    await admin.must(admin.delete(`/api/webhooks/${hook}`))
  })

  it('ends with who may have had its maker’s token in hand, and not when another admin has moved it since', async () => {
    const { admin, database } = broker
    const hand = await admin.must(admin.post('/api/users', { name: 'the hand', roles: ['admin'] }))
    const puppet = await admin.must(admin.post('/api/users', { name: 'the puppet', roles: ['admin'] }))
    const through: Api = broker.api((await tokenThrough(database, puppet.id, [...SCOPES], [puppet.id, hand.id])).token)
    const made = (name: string) => through.must(through.post('/api/webhooks', { name, url: receiver.url, events: ['group.*'] }))
    const [theirs, moved] = [await made('theirs'), await made('moved')]
    await admin.must(admin.patch(`/api/webhooks/${moved.id}`, { url: `${receiver.url}/moved` }))
    await admin.must(admin.patch(`/api/users/${hand.id}`, { state: 'disabled' }))
    await paused(theirs.id)
    expect(await shown(moved.id)).toMatchObject({ active: true, pausedBecause: null })
  })
})
