import { Injectable, type OnModuleInit } from '@nestjs/common'
import { BROKER, record } from '../../audit/record.ts'
import { each, type Outcome, type Work } from '../../platform/due/due-lane.ts'
import { DueWork, enqueue } from '../../platform/due/due-work.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'

export const EXPIRY_WORK = 'certificate.expiry'
/** Admins are told so many days before the end, and at it. */
const REMINDED_DAYS = [30, 14, 7, 3, 1, 0]

interface Due {
  readonly name: string
  readonly fingerprint: string
  readonly notAfter: Date
  readonly reminded: number | null
  /** the smallest of the days whose time has come; null before all of them */
  readonly now: number | null
}

/** Watches the end of certificates: a reminder is an event in the trail, and admins are told of it. */
@Injectable()
export class Expiry implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
  ) {}

  onModuleInit(): void {
    this.work.handle('background', EXPIRY_WORK, (batch) => each(batch, (work) => this.look(work)))
  }

  /** Sets the next reminder; none is left once it is told that it is over. */
  async watch(tx: Tx, id: string): Promise<void> {
    const next = await row<{ at: Date }>(
      tx,
      `select c.not_after - make_interval(days => d.days) as at from certificates c, unnest($2::int[]) as d (days)
       where c.id = $1 and c.removed_at is null and (c.reminded_days is null or d.days < c.reminded_days) order by at limit 1`,
      [id, REMINDED_DAYS],
    )
    if (next) await enqueue(tx, [{ lane: 'background', kind: EXPIRY_WORK, subject: id, at: next.at }])
  }

  private async look({ subject: id }: Work): Promise<Outcome> {
    await this.database.transaction(async (tx) => {
      const due = await row<Due>(
        tx,
        `select name, fingerprint, not_after as "notAfter", reminded_days as reminded,
           (select min(d.days) from unnest($2::int[]) as d (days) where not_after - make_interval(days => d.days) <= clock_timestamp()) as now
         from certificates where id = $1 and removed_at is null for update`,
        [id, REMINDED_DAYS],
      )
      if (!due) return
      if (due.now === null || (due.reminded !== null && due.reminded <= due.now)) return
      const { name, fingerprint, notAfter, now: days } = due
      await rows(tx, 'update certificates set reminded_days = $2 where id = $1', [id, days])
      const data = { name, fingerprint, notAfter: notAfter.toISOString() }
      const told = { actor: BROKER, subject: id }
      await record(
        tx,
        days === 0
          ? { kind: 'certificate.expired', ...told, data }
          : { kind: 'certificate.expiring', ...told, data: { ...data, days } },
      )
    })
    const left = await row<{ ms: number }>(
      this.database.pool,
      `select greatest(1000, extract(epoch from min(c.not_after - make_interval(days => d.days)) - clock_timestamp()) * 1000)::float8 as ms
       from certificates c, unnest($2::int[]) as d (days)
       where c.id = $1 and c.removed_at is null and (c.reminded_days is null or d.days < c.reminded_days)
       having count(*) > 0`,
      [id, REMINDED_DAYS],
    )
    return left ? Math.ceil(left.ms) : 'done'
  }
}
