import { Injectable, type OnModuleInit } from '@nestjs/common'
import { ASKING_ACTS } from '../../approvals/requests/sides.ts'
import { LEAVER_WORK } from '../../identity/sessions/lock-out.ts'
import type { Work } from '../../platform/due/due-lane.ts'
import { DueWork } from '../../platform/due/due-work.ts'
import { rows, type Tx, UrgentDatabase } from '../../platform/postgres/database.ts'
import { endNow } from './ending.ts'

/** In one transaction: the audit trail's links make a longer one slow, and everybody else's commit waits for it. */
const MOST_AT_ONCE = 200

interface Left {
  readonly id: string
  /** theirs, and not somebody else's that they may have in hand */
  readonly isOwn: boolean
}

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

  /** Grants that people who are disabled have, or may have in hand, whatever became of the work. Those somebody has in hand are left to them. */
  async endForDisabled(): Promise<void> {
    await this.endAll((tx) =>
      rows<Left>(
        tx,
        `select g.id, u.state = 'disabled' as "isOwn" from grants g join users u on u.id = g.grantee_id
         where g.state in ('scheduled', 'provisioning', 'active')
           and (u.state = 'disabled' or ${throughHands(`exists (select from users h where h.id = any(act.hands) and h.state = 'disabled')`)})
         order by g.id limit $1 for update of g skip locked`,
        [MOST_AT_ONCE],
      ),
    )
  }

  /** What they had when they were disabled ends, although somebody may have enabled them again since. */
  private ofLeavers(tx: Tx, batch: readonly Work[]): Promise<Left[]> {
    return rows<Left>(
      tx,
      `select g.id, g.grantee_id = any($1) as "isOwn" from grants g
       where g.state in ('scheduled', 'provisioning', 'active') and exists (
         select from unnest($1::text[], $2::timestamptz[]) as l (id, at)
         where (g.grantee_id = l.id and g.created_at <= l.at + interval '1 ms')
           or ${throughHands(`l.id = any(act.hands) and act.at <= l.at + interval '1 ms'`)})
       order by g.id limit $3 for update of g`,
      [batch.map((work) => work.subject), batch.map((work) => work.runAt), MOST_AT_ONCE],
    )
  }

  private async endAll(some: (tx: Tx) => Promise<Left[]>): Promise<void> {
    for (let found = MOST_AT_ONCE; found === MOST_AT_ONCE; ) {
      found = await this.database.transaction(async (tx) => {
        const grants = await some(tx)
        const ids = (are: boolean) => grants.filter(({ isOwn }) => isOwn === are).map(({ id }) => id)
        await endNow(tx, ids(true), { reason: 'grantee_disabled' })
        await endNow(tx, ids(false), { reason: 'token_maker_disabled' })
        return grants.length
      })
      if (found > 0) this.work.wake('cut')
    }
  }
}

/** SQL: whether something holds of an act by which the grant `g` was asked for, got more time or lies open: of its `hands`, and when it was. */
function throughHands(holds: string): string {
  return `exists (select from (${ASKING_ACTS}
    union all select o.hands, o.opened_at from openings o where o.grant_id = g.id and o.state in ('opening', 'delivered', 'collected')) as act
    where ${holds})`
}
