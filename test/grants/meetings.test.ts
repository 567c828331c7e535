import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { contradictions } from '../support/contradictions.ts'
import { startToyGrants, type ToyGrants } from '../support/toy-grants.ts'

describe('an end that comes while a grant is being opened', () => {
  let toys: ToyGrants
  let hand: pg.Client

  beforeAll(async () => {
    toys = await startToyGrants()
    hand = new pg.Client({ connectionString: toys.broker.database.url })
    await hand.connect()
  })
  afterAll(async () => {
    await hand?.end()
    await toys?.close()
  })

  const waitsForLock = (statement: string) =>
    waitFor(`${statement} to wait`, async () => {
      const waiting = await toys.broker.database.query(
        `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like $1 and datname = current_database()`,
        [`%${statement}%`],
      )
      return waiting.length > 0
    })

  it('closes that opening, although it was written down while the end waited for it', async () => {
    const grantId = await toys.grant()
    // The opening holds its grant, and waits for its integration before it writes itself down.
    await hand.query('begin')
    await hand.query('select 1 from integrations where id = $1 for update', [toys.integrationId])
    const opening = toys.open(grantId)
    await waitsForLock('from integrations')
    const end = toys.giveBack(grantId)
    await waitsForLock('grants')
    await hand.query('rollback')
    await end
    expect([200, 409]).toContain(await opening)
    await toys.until(grantId, 'revoked')
    const { rows } = await hand.query('select state from openings where grant_id = $1', [grantId])
    expect(rows).toEqual([{ state: 'ended' }])
    await waitFor('the books to agree', async () => (await contradictions(toys.broker.database)).length === 0)
  })
})
