import { describe, expect, it } from 'vitest'
import { record } from '../../src/audit/record.ts'
import { newId } from '../../src/platform/ids.ts'
import { freshDatabase } from '../support/database.ts'
import { misfits } from '../support/recorded.ts'

const [rotation, person, grant, request] = [newId('rot'), newId('usr'), newId('grt'), newId('req')]
const told: string[][] = []
const tx = { query: async (_: string, [rows]: string[]) => void told.push(JSON.parse(rows!)) } as unknown as Parameters<
  typeof record
>[0]

describe('what is recorded', () => {
  it('has the data and the subject of its kind, or does not compile', async () => {
    await record(tx, { kind: 'rotation.asked', actor: person, subject: rotation, data: { reason: 'it was leaked' } })
    // Of a text nobody knows whose id it is.
    await record(tx, { kind: 'rotation.asked', actor: person, subject: rotation as string, data: { reason: 'it was leaked' } })
    // @ts-expect-error no reason
    await record(tx, { kind: 'rotation.asked', actor: person, subject: rotation, data: {} })
    // @ts-expect-error no data at all
    await record(tx, { kind: 'rotation.asked', actor: person, subject: rotation })
    // @ts-expect-error another type
    await record(tx, { kind: 'rotation.asked', actor: person, subject: rotation, data: { reason: 7 } })
    // @ts-expect-error one more than it has
    await record(tx, { kind: 'rotation.asked', actor: person, subject: rotation, data: { reason: 'it was leaked', mood: 'bad' } })
    // @ts-expect-error the data of another event
    await record(tx, { kind: 'grant.extended', actor: person, subject: grant, data: { reason: 'it was leaked' } })
    // @ts-expect-error the id of something else
    await record(tx, { kind: 'rotation.asked', actor: person, subject: grant, data: { reason: 'it was leaked' } })
    // @ts-expect-error no id
    await record(tx, { kind: 'rotation.asked', actor: person, subject: 'nonsense', data: { reason: 'it was leaked' } })
    // @ts-expect-error no such event
    await record(tx, { kind: 'rotation.danced', actor: person, subject: rotation, data: {} })
    expect(told).toHaveLength(10)
  })

  it('is looked at after every test, and what its kind does not know is found', async () => {
    const good = { kind: 'grant.extended', actor: person, subject: grant }
    const data = { request, seconds: 60, expiresAt: '2026-01-01T00:00:00.000Z' }
    const of = (event: object, changed: object = {}) =>
      misfits([{ ...good, body: JSON.stringify({ ...data, ...changed }), ...event }]).join('\n')
    expect(of({})).toBe('')
    expect(of({}, { seconds: 'many' })).toContain('seconds ')
    expect(of({}, { mood: 'bad' })).toContain('mood')
    expect(of({}, { request: grant })).toContain('request ')
    expect(of({ subject: request })).toContain('the subject is not the id of a grant')
    expect(of({ actor: 'me' })).toContain('the actor is nobody')
    expect(of({ kind: 'grant.danced' })).toContain('there is no such kind')
    const database = await freshDatabase()
    await database.query(
      `insert into audit_events (id, kind, actor, subject, body) values ('aud_1', 'grant.extended', $1, $2, '{}')`,
      [person, grant],
    )
    await expect(database.drop()).rejects.toThrow('grant.extended: request ')
  })
})
