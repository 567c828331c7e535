import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import type { Api } from '../support/api.ts'
import type { Broker } from '../support/broker.ts'
import { ownToken } from '../support/own-token.ts'
import { type PaintingToy, startPainting } from '../support/painting-toy.ts'
import { type Rotations, rotationsOf } from '../support/rotations.ts'
import { decodedHeader, type PostOffice, startPostOffice } from '../support/smtp.ts'

const CANARY = 'canary-colour-of-letters'
const EVERYBODY = ['ann', 'amy', 'owen', 'audrey', 'mel']

describe('what actions and rotations come to', () => {
  let office: PostOffice
  let toy: PaintingToy
  let broker: Broker
  let integrationId: string
  let them: Rotations
  /** an admin who orders, beside another one */
  let ann: Api
  let mel: { id: string; api: Api }

  beforeAll(async () => {
    office = await startPostOffice()
    const from = { name: 'Latchkey', address: 'latchkey@broker.example' }
    const smtp = { host: '127.0.0.1', port: office.port, secure: false, from }
    ;({ toy, broker, integrationId } = await startPainting({ config: { smtp, publicUrl: 'https://latchkey.example' } }))
    them = rotationsOf(broker, { integrationId, action: 'paint-wall' })
    const { admin } = broker
    const person = async (name: string, role: string) => {
      const body = { name, roles: [role], email: `${name}@people.example` }
      const { id } = await admin.must(admin.post('/api/users', body))
      return { id, api: broker.api((await ownToken(broker.database, id, ['read', 'request', 'manage'])).token) }
    }
    ann = (await person('ann', 'admin')).api
    await person('amy', 'admin')
    await person('owen', 'owner')
    await person('audrey', 'auditor')
    mel = await person('mel', 'member')
  })
  const sent: string[] = []
  beforeEach(() => {
    sent.push(...office.letters.splice(0).map(({ raw, plain, html }) => `${raw} ${plain} ${html}`))
    toy.walls.clear()
    toy.whenPainted = async () => {}
    toy.refusesUndo = false
    toy.wayBack = { isPossible: true, restores: [] }
  })
  afterAll(async () => {
    await broker?.close()
    await office?.close()
  })

  const lettersAbout = (subject: string) => office.letters.filter(({ plain }) => plain.includes(subject))
  const named = (subject: string) => [
    ...new Set(lettersAbout(subject).map(({ headers }) => decodedHeader(headers.get('subject') ?? ''))),
  ]
  /** Who had a letter with this subject about something, once everybody who is told of it was written to. */
  const told = async (id: string, subject: string, ...who: string[]) => {
    const readers = () =>
      EVERYBODY.filter((name) =>
        lettersAbout(id).some(
          ({ to, headers }) => to.includes(`${name}@people.example`) && decodedHeader(headers.get('subject') ?? '') === subject,
        ),
      )
    await expect.poll(readers).toEqual(who)
    // Nobody is written to later either: all of what has happened was read, and put down for who is told.
    await waitFor('all letters to be sent', async () => {
      const [left] = await broker.database.query(
        `select 1 from notification_deliveries d where d.state = 'waiting'
         union select 1 from notification_cursor c where c.seq < (select max(seq) from audit_chain)`,
      )
      return left === undefined
    })
    expect(readers()).toEqual(who)
    return lettersAbout(id).find(({ headers }) => decodedHeader(headers.get('subject') ?? '') === subject)!
  }
  const over = (id: string) =>
    waitFor('the run to be over', async () => {
      const { state } = await broker.admin.must(broker.admin.get(`/api/runs/${id}`))
      return ['executed', 'undone', 'failed'].includes(state) && state
    })
  const order = async (wall: string) => {
    const body = { integrationId, action: 'paint-wall', input: { wall, colour: CANARY }, reason: 'it is grey' }
    return (await ann.must(ann.post('/api/runs', body))).id as string
  }

  it('is told to admins and owners when a person is to rotate something', async () => {
    const { id, name } = await them.remind('call the bank for a new PIN')
    await them.bringUp(id)
    const { plain } = await told(id, 'Something must be rotated by hand', 'ann', 'amy', 'owen')
    expect(plain).toContain(`Rotation: ${name}`)
    expect(plain).toContain('call the bank for a new PIN')
    expect(plain).toMatch(/^https:\/\/latchkey\.example\/rotations$/m)
  })

  it('is told to admins and owners when a rotation fails, with its name and why', async () => {
    const { id, name } = await them.make({ input: { wall: 'north', colour: CANARY } })
    toy.whenPainted = async (wall) => toy.walls.set(wall, 'grey')
    await them.bringUp(id)
    await them.settled(id, 'undone')
    const { plain } = await told(id, 'A rotation failed and was undone', 'ann', 'amy', 'owen')
    expect(plain).toContain(`Rotation: ${name}`)
    expect(plain).toMatch(/Reason: \S/)
  })

  it('is told to admins and owners when a rotation was due and was not made', async () => {
    const { id, name } = await them.make({ input: { wall: 'east', colour: CANARY } })
    toy.wayBack = { isPossible: false, because: 'the painter keeps no photographs', restores: [] }
    await them.bringUp(id)
    await them.settled(id, 'refused')
    const { plain } = await told(id, 'A rotation was due and did not run', 'ann', 'amy', 'owen')
    expect(plain).toContain(`Rotation: ${name}`)
    expect(plain).toContain('photographs')
  })

  it('is told to nobody when a rotation is finished: who wants to know subscribes a webhook', async () => {
    const { id } = await them.make({ input: { wall: 'west', colour: CANARY } })
    await them.bringUp(id)
    await them.settled(id, 'finished')
    const { id: other } = await them.remind('later')
    await them.bringUp(other)
    await told(other, 'Something must be rotated by hand', 'ann', 'amy', 'owen')
    expect(named(id)).toEqual([])
  })

  it('is told to who ordered a run, with what was done to what', async () => {
    const id = await order('north')
    expect(await over(id)).toBe('executed')
    const { plain } = await told(id, 'The action that you ordered is done', 'ann')
    for (const words of ['Action: paint-wall', 'On: north', 'Integration: toys', 'Because: it is grey'])
      expect(plain).toContain(words)
    await broker.admin.must(broker.admin.post(`/api/runs/${id}/rollback`, { reason: 'it was nicer before' }))
    await waitFor('it to be undone', async () => (await over(id)) === 'undone')
    const { plain: undone } = await told(id, 'An action was undone', 'ann')
    expect(undone).toContain('it was nicer before')
  })

  it('is told to every admin besides when a run fails', async () => {
    toy.whenPainted = async (wall) => toy.walls.set(wall, 'grey')
    const id = await order('south')
    expect(await over(id)).toBe('undone')
    const { plain } = await told(id, 'An action failed', 'ann', 'amy')
    for (const words of ['Action: paint-wall', 'On: south', 'Integration: toys']) expect(plain).toContain(words)
  })

  it('is told to who asked for it, when it was approved and done', async () => {
    const rule = {
      requesters: { kind: 'everyone' },
      resources: [{ paths: ['**'] }],
      permissions: {},
      actions: { [toy.plugin.resourceTypes[0]!.id]: ['paint-wall'] },
      maxSeconds: 3600,
      delivery: toy.plugin.grantAccess!.deliveries[0]!.name,
      approval: { kind: 'automatic' },
    }
    toy.target.put('attic')
    const { admin } = broker
    await admin.must(admin.post(`/api/integrations/${integrationId}/sync`))
    await waitFor('the attic', async () => (await admin.must(admin.get('/api/resources'))).items.length > 0)
    const flow = await admin.must(admin.post('/api/access-flows', { name: 'walls', integrationId, rule }))
    const ask = {
      integrationId,
      action: 'paint-wall',
      input: { wall: 'attic', colour: CANARY },
      justification: 'grey',
      flowId: flow.id,
    }
    const { action } = await mel.api.must(mel.api.post('/api/action-requests', ask))
    await over(action.runId)
    await told(action.runId, 'The action that you ordered is done', 'mel')
  })

  it('holds no secret, old or new, whatever it is told of', () => {
    expect(sent.length).toBeGreaterThan(10)
    expect(sent.filter((text) => text.includes(CANARY))).toEqual([])
  })
})
