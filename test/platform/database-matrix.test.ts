import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { expectNoContradictions } from '../support/contradictions.ts'
import { freshDatabase } from '../support/database.ts'
import { type DatabaseWire, type Mishap, wireTo } from '../support/database-wire.ts'
import { IS_WHOLE } from '../support/gate-share.ts'
import { startToyGrants, type ToyGrants } from '../support/toy-grants.ts'

// Whole: npm run test:matrices. In the gate one statement in so many is struck, others in each flow.
const ONE_IN = 11
const MISHAPS: readonly Mishap[] = IS_WHOLE ? ['before', 'reset', '25P03', 'silence'] : ['before', 'reset', '25P03']
/** Statements of everybody's, that belong to no flow. */
const OF_NO_FLOW = /set_config|select 1$|transaction_read_only|from integrations where|audit_chain|notification|http_sessions/

interface Flow {
  prepare(toys: ToyGrants): Promise<string>
  /** may be refused while the database is in trouble; then it is asked again */
  begin(toys: ToyGrants, grantId: string): Promise<string>
  settle(toys: ToyGrants, grantId: string): Promise<unknown>
}

const asked = async (status: Promise<number>): Promise<void> => {
  const answer = await status
  if (answer >= 400) throw new Error(`the broker answered ${answer}`)
}

const FLOWS: Readonly<Record<string, Flow>> = {
  provision: {
    prepare: async () => '',
    begin: (toys) => toys.request(),
    settle: (toys, grantId) => toys.until(grantId, 'active'),
  },
  open: {
    prepare: (toys) => toys.grant(),
    begin: async (toys, grantId) => asked(toys.open(grantId)).then(() => grantId),
    settle: (toys, grantId) => toys.until(grantId, 'active'),
  },
  extend: {
    prepare: (toys) => toys.grant(60),
    begin: async (toys, grantId) => asked(toys.extend(grantId, 60)).then(() => grantId),
    settle: (toys, grantId) =>
      waitFor('the target to know', async () => {
        const known = await toys.broker.database.query('select 1 from grants where id = $1 and target_until = expires_at', [
          grantId,
        ])
        return known.length > 0
      }),
  },
  revoke: {
    prepare: (toys) => toys.grant(),
    begin: async (toys, grantId) => {
      await toys.giveBack(grantId).catch((error: unknown) => {
        if (!String(error).includes('409')) throw error // it was taken down, and only the answer was lost
      })
      return grantId
    },
    settle: (toys, grantId) => toys.until(grantId, 'revoked'),
  },
  sweep: {
    prepare: (toys) => toys.grant(),
    begin: async (toys, grantId) => {
      await toys.broker.admin.must(toys.broker.admin.post(`/api/integrations/${toys.integrationId}/sweep`))
      return grantId
    },
    settle: (toys, grantId) => toys.until(grantId, 'active'),
  },
}

describe('whatever befalls a statement of the database', { timeout: IS_WHOLE ? 3_600_000 : 600_000 }, () => {
  let wire: DatabaseWire
  let toys: ToyGrants
  let close: () => Promise<void>

  beforeAll(async () => {
    const database = await freshDatabase()
    wire = await wireTo(database)
    toys = await startToyGrants(2, { database: wire.database })
    close = async () => {
      await toys.close()
      await wire.close()
      await database.drop()
    }
  })
  afterAll(() => close?.())

  /** Plays a flow to its end; what the database refuses meanwhile is asked again, and is never called a fault of the broker's. */
  async function play(flow: Flow, strike: () => void): Promise<void> {
    const prepared = await flow.prepare(toys)
    const before = toys.broker.log.length
    strike()
    const grantId = await waitFor('the broker to take it down', () =>
      flow.begin(toys, prepared).catch((error: unknown) => {
        expect(String(error)).not.toContain('500')
        return undefined
      }),
    )
    await flow.settle(toys, grantId)
    wire.judge(undefined)
    expect(
      toys.broker.log
        .slice(before)
        .filter((line) => /met a bug|a fault of ours/.test(line) && !/ETIMEDOUT|ECONN|25P03|terminated|released/.test(line)),
    ).toEqual([])
    const live = await toys.broker.database.query<{ id: string }>('select id from grants where ended_at is null')
    for (const { id } of live) {
      await toys.until(id, 'active')
      await waitFor('the broker to take it back', () => FLOWS['revoke']!.begin(toys, id).catch(() => undefined))
      await toys.until(id, 'revoked')
    }
    await expectNoContradictions(toys.broker.database)
  }

  /** The statements of a flow, each once, in their order. */
  async function recorded(flow: Flow): Promise<string[]> {
    const seen = new Set<string>()
    await play(flow, () =>
      wire.judge((label, application) => {
        if (application === 'latchkey' && !OF_NO_FLOW.test(label)) seen.add(label)
        return undefined
      }),
    )
    return [...seen]
  }

  describe.each(Object.entries(FLOWS))('%s', (name, flow) => {
    it.each(MISHAPS)('comes to its end as if nothing had been: %s', async (mishap) => {
      const statements = await recorded(flow)
      expect(statements.length).toBeGreaterThan(name === 'sweep' ? 1 : 5)
      const offset = MISHAPS.indexOf(mishap)
      for (const [place, statement] of statements.entries()) {
        if (!IS_WHOLE && place % ONE_IN !== offset) continue
        let isStruck = false
        await play(flow, () =>
          wire.judge((label, application) => {
            if (isStruck || application !== 'latchkey' || label !== statement) return undefined
            isStruck = true
            return mishap
          }),
        ).catch((cause: unknown) => {
          throw new Error(`after ${mishap} at: ${statement}`, { cause })
        })
      }
    })
  })
})
