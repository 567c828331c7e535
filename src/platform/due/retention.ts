import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common'
import { Database, rows } from '../postgres/database.ts'
import { each, type Outcome } from './due-lane.ts'
import { DueWork } from './due-work.ts'

const RETENTION_WORK = 'retention'
const EVERY_MS = 3_600_000
/** rows deleted in one statement: it locks them for a moment, and others go on beside it */
const BATCH = 1_000

interface Rule {
  readonly days: number
  readonly statement: string
}

/** Deletes what nobody needs any more, a little at a time. The audit trail is never among it. */
@Injectable()
export class Retention implements OnApplicationBootstrap {
  private readonly log = new Logger(Retention.name)
  private readonly rules = new Map<string, Rule>()

  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
  ) {
    work.handle('background', RETENTION_WORK, (batch) => each(batch, ({ subject }) => this.forget(subject)))
  }

  /** What is forgotten after so many days ($1), at most so many rows at a time ($2). Call before the application starts. */
  rule(table: string, days: number, statement: string): void {
    this.rules.set(table, { days, statement })
  }

  async onApplicationBootstrap(): Promise<void> {
    try {
      await rows(
        this.database.pool,
        `insert into due_work (lane, kind, subject, run_at) select 'background', $1, unnest($2::text[]), clock_timestamp()
         on conflict (kind, subject) do nothing`,
        [RETENTION_WORK, [...this.rules.keys()]],
      )
      this.work.wake('background')
    } catch (error) {
      this.log.warn({ error }, 'what is old will be deleted after the next start')
    }
  }

  private async forget(table: string): Promise<Outcome> {
    const rule = this.rules.get(table)
    if (!rule) return EVERY_MS // of another version, which knows
    const forgotten = await rows(this.database.pool, rule.statement, [rule.days, BATCH])
    if (forgotten.length > 0) this.log.log({ table, rows: forgotten.length }, `deleted what is older than ${rule.days} days`)
    return forgotten.length === BATCH ? 1_000 : EVERY_MS
  }
}
