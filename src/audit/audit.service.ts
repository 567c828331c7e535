import { Injectable } from '@nestjs/common'
import { z } from 'zod'
import type { AuditEntry, AuditExportQuery, AuditQuery, AuditVerdict } from '../contract/audit.ts'
import type { Page } from '../contract/lists.ts'
import { type CursorKind, Cursors } from '../platform/http/cursors.ts'
import { Places } from '../platform/pacing/places.ts'
import { Database, rows, ThoroughDatabase } from '../platform/postgres/database.ts'
import { entryOf } from './audit-entry.ts'
import { exportTrail } from './export.ts'
import { LINK_COLUMNS, linkOf } from './read-links.ts'
import { verify } from './verify.ts'

const NEWEST_FIRST: CursorKind<number> = { list: 'audit', position: z.int() }

/** What happened, for those who check. Written by `record`, in the transactions in which it happens. */
@Injectable()
export class Audit {
  private readonly verifications = new Places(1, 'the trail is being verified', 10_000)
  private readonly exports = new Places(2, 'the trail is being exported', 10_000)

  constructor(
    private readonly database: Database,
    private readonly thorough: ThoroughDatabase,
    private readonly cursors: Cursors,
  ) {}

  async list(query: AuditQuery): Promise<Page<AuditEntry>> {
    const { where, values } = conditions(query, this.cursors.read(NEWEST_FIRST, query.cursor))
    const found = await rows<Parameters<typeof linkOf>[0]>(
      this.database.pool,
      `select ${LINK_COLUMNS} from audit_chain c join audit_events e on e.id = c.event_id
       where ${where.join(' and ')} order by c.seq desc limit ${query.limit + 1}`,
      values,
    )
    return this.cursors.page(
      NEWEST_FIRST,
      found,
      query.limit,
      ({ seq }) => Number(seq),
      (one) => entryOf(linkOf(one)),
    )
  }

  /** Throws before the first line when too many are under way. */
  async export(query: AuditExportQuery, write: (lines: AsyncGenerator<string>) => Promise<void>): Promise<void> {
    const leave = this.exports.take()
    try {
      await write(exportTrail(this.thorough.pool, query))
    } finally {
      leave()
    }
  }

  async verify(): Promise<AuditVerdict> {
    const leave = this.verifications.take()
    try {
      return await verify(this.thorough)
    } finally {
      leave()
    }
  }
}

function conditions({ subject, actor, doneWith, kind, from, to }: AuditQuery, before: number | undefined) {
  const where = ['true']
  const values: unknown[] = []
  const and = (condition: string, value: unknown) => {
    if (value !== undefined) where.push(`${condition} $${values.push(value)}`)
  }
  and('c.seq <', before)
  and('e.subject =', subject)
  and('e.actor =', actor)
  and('e.done_with =', doneWith)
  and(kind?.endsWith('.') ? 'e.kind ^@' : 'e.kind =', kind)
  and('e.at >=', from)
  and('e.at <', to)
  return { where, values }
}
