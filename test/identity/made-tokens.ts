import { afterAll, beforeAll } from 'vitest'
import type { Api } from '../support/api.ts'
import { type Makers, makersOf } from '../support/matrix-makers.ts'
import { type MatrixWorld, type Somebody, startMatrixWorld } from '../support/matrix-world.ts'

interface There {
  readonly world: MatrixWorld
  readonly make: Makers
  readonly admin: Somebody
}

export const WISH = { name: 'made', scopes: ['read'], expiresInSeconds: 3600 }
export const minted = (api: Api, more: object = {}) => api.must(api.post('/api/tokens', { ...WISH, ...more }))

/** A world for the tests of a file, with an admin in it. `into` puts it where they find it; the answer is what they do there. */
export function madeTokensHere(into: (there: There) => void) {
  let world: MatrixWorld
  beforeAll(async () => {
    world = await startMatrixWorld()
    into({ world, make: makersOf(world), admin: await world.person('admin', ['admin', 'member']) })
  })
  afterAll(() => world?.close())
  /** What the trail has of it, in the order of the events’ ids. */
  const trailOf = async (subject: string) => {
    const events = await world.query<{ kind: string; actor: string; body: string }>(
      'select kind, actor, body from audit_events where subject = $1 order by id',
      [subject],
    )
    return events.map(({ kind, actor, body }) => ({ kind, actor, ...JSON.parse(body) }))
  }
  return { trailOf }
}
