import { Injectable, type OnModuleInit } from '@nestjs/common'
import { LEAVER_WORK } from '../../identity/lock-out.ts'
import type { Work } from '../../platform/due/due-lane.ts'
import { DueWork } from '../../platform/due/due-work.ts'
import { rows, type Tx, UrgentDatabase } from '../../platform/postgres/database.ts'
import { endNow } from './ending.ts'

/** In one transaction: the audit trail's links make a longer one slow, and everybody else's commit waits for it. */
const MOST_AT_ONCE = 200

/** Who has been disabled keeps nothing: their grants end by the work their end left behind, and by a look at everybody who is disabled. */
@Injectable()
export class LeaversGrants implements OnModuleInit {
  constructor(
    private readonly database: UrgentDatabase,
    private readonly work: DueWork,
  ) {}

  onModuleInit(): void {
    this.work.handle('cut', LEAVER_WORK.grants, async (batch) => {
      await this.endAll((tx) => this.ofLeavers(tx, batch))
      return new Map()
    })
  }

  /** Grants of people who are disabled, whatever became of the work. Those somebody has in hand are left to them. */
  async endForDisabled(): Promise<void> {
    await this.endAll((tx) =>
      rows<{ id: string }>(
        tx,
        `select g.id from grants g join users u on u.id = g.grantee_id
         where g.state in ('scheduled', 'provisioning', 'active') and u.state = 'disabled'
         order by g.id limit $1 for update of g skip locked`,
        [MOST_AT_ONCE],
      ),
    )
  }

  /** What they had when they were disabled ends, although somebody may have enabled them again since. */
  private ofLeavers(tx: Tx, batch: readonly Work[]): Promise<{ id: string }[]> {
    return rows<{ id: string }>(
      tx,
      `select g.id from unnest($1::text[], $2::timestamptz[]) as l (id, at) join grants g on g.grantee_id = l.id and g.created_at <= l.at + interval '1 ms'
       where g.state in ('scheduled', 'provisioning', 'active') order by g.id limit $3 for update of g`,
      [batch.map((work) => work.subject), batch.map((work) => work.runAt), MOST_AT_ONCE],
    )
  }

  private async endAll(some: (tx: Tx) => Promise<{ id: string }[]>): Promise<void> {
    for (let found = MOST_AT_ONCE; found === MOST_AT_ONCE; ) {
      found = await this.database.transaction(async (tx) => {
        const grants = await some(tx)
        const ids = grants.map((grant) => grant.id)
        await endNow(tx, ids, { reason: 'grantee_disabled' })
        return ids.length
      })
      if (found > 0) this.work.wake('cut')
    }
  }
}
