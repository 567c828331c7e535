import { Injectable, type OnModuleInit } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import type { EndAccess, EndedAccess } from '../../contract/grants.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import { findIntegration } from '../../integrations/integration.ts'
import { IntegrationStates } from '../../integrations/integration-states.ts'
import { each } from '../../platform/due/due-lane.ts'
import { DueWork, enqueue, withdraw } from '../../platform/due/due-work.ts'
import { databaseNow, row, rows, type Tx, UrgentDatabase } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { GRANT_WORK } from '../grant.ts'
import { endNow } from './ending.ts'

const SAID = 'integration.access_ended'
const MOST_AT_ONCE = 200
/** The caller does it at once; what is left after that is for due work. */
const NET_MS = 3_000

interface Order {
  readonly by: string
  readonly note: string
  readonly at: Date
}

/** Ends all access through an integration at once: it is paused, so that nothing begins, and every grant that lives is ended. */
@Injectable()
export class AccessEnding implements OnModuleInit {
  constructor(
    private readonly database: UrgentDatabase,
    private readonly work: DueWork,
    private readonly states: IntegrationStates,
  ) {}

  onModuleInit(): void {
    this.work.handle('cut', GRANT_WORK.endAll, (batch) =>
      each(batch, async ({ subject }) => {
        await this.endAll(subject)
        return 'done'
      }),
    )
  }

  /** The order is committed first, with the work that carries it out should we die. */
  async order(caller: Caller, id: string, { confirm, reason }: EndAccess): Promise<EndedAccess> {
    const { name } = await findIntegration(this.database.pool, id)
    mustBeTyped(confirm, name, 'end all access through it')
    await this.states.stop(caller.id, id, async (tx) => {
      await record(tx, { kind: SAID, actor: caller.id, subject: id, data: { name, reason } })
      const at = new Date((await databaseNow(tx)).getTime() + NET_MS)
      await enqueue(tx, [{ lane: 'cut', kind: GRANT_WORK.endAll, subject: id, shard: id, at }])
    })
    const grants = await this.endAll(id)
    await this.database.transaction((tx) => withdraw(tx, [GRANT_WORK.endAll], [id]))
    return { integrationId: id as EndedAccess['integrationId'], grants: grants as EndedAccess['grants'] }
  }

  /** As the last order says; what began after it was given through an integration that was resumed. */
  private async endAll(id: string): Promise<string[]> {
    const order = await row<Order>(
      this.database.pool,
      `select actor as by, body::jsonb ->> 'reason' as note, at from audit_events where subject = $1 and kind = $2 order by id desc limit 1`,
      [id, SAID],
    )
    if (!order) return []
    const ended: string[] = []
    for (;;) {
      const some = await this.database.transaction((tx) => endSome(tx, id, order))
      ended.push(...some)
      if (some.length > 0) this.work.wake('cut')
      if (some.length < MOST_AT_ONCE) return ended
    }
  }
}

/** What cannot be taken back is done to the integration that was meant. */
export function mustBeTyped(typed: string, name: string, purpose: string): void {
  if (typed === name) return
  throw new BrokerError('input.invalid', 'is not the name of this integration', {
    field: 'confirm',
    fix: `type ${name} to ${purpose}`,
  })
}

async function endSome(tx: Tx, id: string, { by, note, at }: Order): Promise<string[]> {
  const live = await rows<{ id: string }>(
    tx,
    `select id from grants where integration_id = $1 and state in ('scheduled', 'provisioning', 'active') and created_at <= $2
     order by id limit $3 for update`,
    [id, at, MOST_AT_ONCE],
  )
  return endNow(
    tx,
    live.map((grant) => grant.id),
    { reason: 'revoked', by, note },
  )
}
