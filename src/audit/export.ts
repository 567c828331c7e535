import type { AuditExportQuery } from '../contract/audit.ts'
import { row, type Tx } from '../platform/postgres/database.ts'
import { entryOf } from './audit-entry.ts'
import type { Link } from './chain-check.ts'
import { readLinks } from './read-links.ts'

const BATCH = 500
const COLUMNS = ['seq', 'id', 'at', 'kind', 'actor', 'subject', 'data', 'hash', 'doneWith', 'makers', 'address'] as const

/**
 * The trail as text, oldest first, so many lines at a time, each with its line end. What is exported is one unbroken stretch of the
 * chain, so that it can be verified elsewhere: from the first event of the time asked for to the last, with whatever was committed between.
 */
export async function* exportTrail(tx: Tx, { format, ...time }: AuditExportQuery): AsyncGenerator<string> {
  const line = format === 'csv' ? csvLine : jsonLine
  if (format === 'csv') yield `${COLUMNS.join(',')}\r\n`
  const stretch = await stretchOf(tx, time)
  if (!stretch) return
  for await (const links of readLinks(tx, { ...stretch, batch: BATCH })) yield links.map(line).join('')
}

/** Which places of the chain hold the events of a time; undefined when there are none. */
async function stretchOf(
  tx: Tx,
  { from, to }: Pick<AuditExportQuery, 'from' | 'to'>,
): Promise<{ first: number; last: number } | undefined> {
  const found = await row<{ first: string | null; last: string }>(
    tx,
    from === undefined && to === undefined
      ? 'select min(seq)::text as first, max(seq)::text as last from audit_chain'
      : `select min(c.seq)::text as first, max(c.seq)::text as last from audit_events e join audit_chain c on c.event_id = e.id
         where ($1::timestamptz is null or e.at >= $1) and ($2::timestamptz is null or e.at < $2)`,
    from === undefined && to === undefined ? [] : [from ?? null, to ?? null],
  )
  return found?.first == null ? undefined : { first: Number(found.first), last: Number(found.last) }
}

function jsonLine(link: Link): string {
  return `${JSON.stringify(entryOf(link))}\n`
}

function csvLine(link: Link): string {
  const entry = { ...entryOf(link), data: link.event?.body ?? '' }
  return `${COLUMNS.map((column) => csvField(String(entry[column] ?? ''))).join(',')}\r\n`
}

/** As in RFC 4180, always quoted. A spreadsheet would run what begins like a formula. */
function csvField(value: string): string {
  const tame = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return `"${tame.replaceAll('"', '""')}"`
}
