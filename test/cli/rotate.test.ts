import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { run } from '../../src/cli/main.ts'
import type { Broker } from '../support/broker.ts'
import { ownToken } from '../support/own-token.ts'
import { startPainting } from '../support/painting-toy.ts'
import { type Rotations, rotationsOf } from '../support/rotations.ts'

describe('latchkey rotate --done', () => {
  let broker: Broker
  let them: Rotations

  beforeAll(async () => {
    const painting = await startPainting()
    ;({ broker } = painting)
    them = rotationsOf(broker, { integrationId: painting.integrationId, action: 'paint-wall' })
  })
  afterAll(() => broker?.close())

  const latchkey = async (words: readonly string[], token = broker.adminToken) => {
    const lines: string[] = []
    const say = (line: string) => void lines.push(line)
    const env = { LATCHKEY_CLI_URL: broker.url, LATCHKEY_CLI_TOKEN: token }
    return { code: await run([...words], { env, print: say, tell: say }), out: lines.join('\n') }
  }
  const person = async (role: string) => {
    const { admin, database } = broker
    const { id } = await admin.must(admin.post('/api/users', { name: `an ${role}`, roles: [role] }))
    return (await ownToken(database, id, ['read', 'manage'])).token
  }
  const waiting = async (what: string) => {
    const { id, name } = await them.remind(what)
    await them.bringUp(id)
    await waitFor('it to wait for a person', async () => (await them.get(id)).last?.state === 'waiting')
    return { id, name } as { id: string; name: string }
  }

  it('marks what a person has done, with a note, once', async () => {
    const { id, name } = await waiting('renew the contract')
    expect((await latchkey(['rotations'])).out).toContain(name)
    const done = await latchkey(['rotate', name.toUpperCase(), '--done', '--note', 'renewed until 2028'])
    expect(done.code, done.out).toBe(0)
    expect(done.out).toMatch(/done .*renewed until 2028/)
    const now = await them.get(id)
    expect(now).toMatchObject({ overdueSeconds: null, last: { state: 'done', note: 'renewed until 2028' } })
    expect(await them.told(id)).toEqual(['rotation.created', 'rotation.due', 'rotation.done'])
    const again = await latchkey(['rotate', name, '--done'])
    expect(again.code).not.toBe(0)
    expect(again.out).toContain('the rotation is not waiting for a person')
  })

  it('is for owners as well, and for nobody who may only look', async () => {
    const { id, name } = await waiting('call the bank')
    const [owner, auditor] = [await person('owner'), await person('auditor')]
    const refused = await latchkey(['rotate', name, '--done'], auditor)
    expect(refused.code).not.toBe(0)
    expect((await them.get(id)).last.state).toBe('waiting')
    const done = await latchkey(['rotate', name, '--done'], owner)
    expect(done.code, done.out).toBe(0)
    expect((await them.get(id)).last).toMatchObject({ state: 'done', doneBy: { name: 'an owner' } })
  })

  it('does nothing about what a machine rotates', async () => {
    const { name } = await them.make({ input: { wall: 'north', colour: 'red' } })
    const refused = await latchkey(['rotate', name, '--done'])
    expect(refused.code).not.toBe(0)
    expect(refused.out).toContain('the rotation is not waiting for a person')
    expect((await latchkey(['rotate', name])).out).toContain('--reason')
  })
})
