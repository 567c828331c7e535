import { setImmediate as breathe } from 'node:timers/promises'
import type { AuditVerdict } from '../contract/audit.ts'
import { type Database, row, rows, type Tx } from '../platform/postgres/database.ts'
import { ChainCheck } from './chain-check.ts'
import type { Head } from './link.ts'
import { readLinks } from './read-links.ts'

/** Links that are hashed in one go: a millisecond or so. */
const AT_A_STRETCH = 200

/** Follows the whole chain as it is at one moment, while the broker goes on writing. It must come by the heads that were noted earlier. */
export function verify(database: Database, noted: readonly Head[] = []): Promise<AuditVerdict> {
  return database.source.transaction('REPEATABLE READ', (tx) => verifyWithin(tx, noted))
}

/** The same in a transaction of the caller's, which must see one moment. */
export async function verifyWithin(tx: Tx, noted: readonly Head[] = []): Promise<AuditVerdict> {
  const check = new ChainCheck('at the root', noted)
  for await (const links of readLinks(tx)) {
    for (let at = 0; at < links.length; at += AT_A_STRETCH) {
      for (const link of links.slice(at, at + AT_A_STRETCH)) check.add(link)
      await breathe() // calls and ends of access come in between
    }
  }
  const unlinked = await rows<{ id: string }>(
    tx,
    'select id from audit_events e where not exists (select from audit_chain c where c.event_id = e.id) order by id limit 100',
  )
  for (const { id } of unlinked) {
    check.note({
      kind: 'inserted',
      seq: 0,
      eventId: id,
      detail: 'the event has no link: it came past the chain, or its link was removed',
    })
  }
  const head = await readHead(tx)
  if (head) check.compareHead(head)
  else check.note({ kind: 'head', seq: check.end.seq, detail: 'the head of the chain is missing' })
  const findings = check.findings()
  return { ok: findings.length === 0, events: check.seen, head: check.end, findings }
}

async function readHead(tx: Tx): Promise<Head | undefined> {
  const head = await row<{ seq: string; hash: string }>(tx, `select seq::text, encode(hash, 'hex') as hash from audit_head`)
  return head && { seq: Number(head.seq), hash: head.hash }
}
