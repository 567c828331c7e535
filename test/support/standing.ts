import { expect } from 'vitest'
import type { Broker } from './broker.ts'

/** Who is in, and what the trail has of refusals. */
export interface Standing {
  readonly sessions: number
  readonly people: number
  readonly refusals: string[]
}

export async function standing(broker: Broker): Promise<Standing> {
  const [counts] = await broker.database.query<{ sessions: string; people: string }>(
    `select (select count(*) from http_sessions where id is not null) as sessions, (select count(*) from users) as people`,
  )
  const refusals = await broker.database.query<{ body: string }>(
    `select e.body from audit_events e where kind = 'sign_in.refused' order by id`,
  )
  return { sessions: Number(counts?.sessions), people: Number(counts?.people), refusals: refusals.map(({ body }) => body) }
}

/** Nobody came in, and the trail says so once, without what they brought. */
export async function expectRefused(broker: Broker, road: string, before: Standing, brought?: string): Promise<void> {
  const after = await standing(broker)
  expect({ sessions: after.sessions, people: after.people }).toEqual({ sessions: before.sessions, people: before.people })
  const written = after.refusals.slice(before.refusals.length)
  expect(written).toHaveLength(1)
  expect(JSON.parse(written[0]!)).toEqual({ road, reason: expect.stringMatching(/./) })
  for (const part of (brought ?? '').split('.').filter((one) => one.length > 10)) {
    expect(written[0]).not.toContain(part)
    expect(broker.log.join('')).not.toContain(part)
  }
}
