import { afterAll, beforeAll } from 'vitest'
import type { Scope } from '../../src/contract/identity.ts'
import type { Api } from './api.ts'
import { type Broker, startBroker } from './broker.ts'
import { ownToken } from './own-token.ts'

export const ALL: Scope[] = ['read', 'request', 'approve', 'manage', 'audit']
export const HOUR = 3600
export const NOBODY = 'usr_00000000000000000000000000'

let count = 0
export const unique = (word: string) => `${word} ${++count}`

/** Somebody new with these roles, and a token of their own with these scopes. */
export async function person(
  { admin, api, database }: Pick<Broker, 'admin' | 'api' | 'database'>,
  roles: string[] = ['member'],
  scopes: Scope[] = ALL,
): Promise<{ id: string; name: string; tokenId: string; api: Api }> {
  const { id, name } = await admin.must(admin.post('/api/users', { name: unique('person'), roles: ['member'] }))
  const minted = await ownToken(database, id, scopes, 2 * HOUR)
  await admin.must(admin.patch(`/api/users/${id}`, { roles }))
  return { id, name, tokenId: minted.id, api: api(minted.token) }
}

/** A broker for the tests of a file. `into` puts it where they find it; the answer is what they do there. */
export function personsHere(into: (broker: Broker) => void) {
  let broker: Broker
  beforeAll(async () => {
    broker = await startBroker()
    into(broker)
  })
  afterAll(() => broker?.close())
  return {
    person: (...asked: [roles?: string[], scopes?: Scope[]]) => person(broker, ...asked),
    trailOf: (subject: string) =>
      broker.database.query<{ kind: string; actor: string; body: string }>(
        'select e.kind, e.actor, e.body from audit_events e join audit_chain c on c.event_id = e.id where e.subject = $1 order by c.seq',
        [subject],
      ),
  }
}
