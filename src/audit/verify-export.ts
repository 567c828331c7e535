import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import type { AuditVerdict } from '../contract/audit.ts'
import { BrokerError, parseJson } from '../sdk/index.ts'
import { bodyOf } from './audit-entry.ts'
import { ChainCheck, type Link } from './chain-check.ts'
import type { Head } from './link.ts'
import { parseRfc3339 } from './moment.ts'

const exported = z.object({
  seq: z.int(),
  id: z.string(),
  at: z.string(),
  kind: z.string(),
  actor: z.string(),
  subject: z.string(),
  // Exports of 0.1.0 have none of these.
  doneWith: z.string().nullable().default(null),
  makers: z.array(z.string()).nullable().default(null),
  address: z.string().nullable().default(null),
  data: z.unknown(),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
})

/** Follows the chain in a file that was exported as jsonl. Only heads noted earlier tell whether its end was cut off. */
export async function verifyExport(file: string, noted: readonly Head[] = []): Promise<AuditVerdict> {
  const check = new ChainCheck('anywhere', noted)
  let number = 0
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1
    check.add(linkIn(line, `${file}:${number}`))
  }
  const findings = check.findings()
  return { ok: findings.length === 0, events: check.seen, head: check.end, findings }
}

function linkIn(line: string, place: string): Link {
  try {
    const { seq, hash, id, at, data, makers, ...event } = exported.parse(parseJson(line))
    const rest = { makers: makers?.join(',') ?? null, body: bodyOf(data) }
    return { seq, hash, eventId: id, event: { id, micros: parseRfc3339(at), ...event, ...rest } }
  } catch (cause) {
    throw new BrokerError('input.invalid', `${place} is not a line of an export`, {
      cause,
      fix: 'export again with --format jsonl; a file that was not exported whole ends in half a line',
    })
  }
}
