import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { AuditFinding } from '../contract/audit.ts'
import { readCheckpoint } from './checkpoint.ts'
import type { Head } from './link.ts'

export interface NotedCheckpoints {
  readonly heads: readonly Head[]
  readonly findings: readonly AuditFinding[]
}

/** What a file of checkpoints, or a log that holds them, says of the chain. Lines that hold no checkpoint are passed over. */
export async function readCheckpoints(file: string, publicKeys: readonly string[]): Promise<NotedCheckpoints> {
  const heads: Head[] = []
  const findings: AuditFinding[] = []
  let number = 0
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1
    if (!line.includes('"checkpoint"')) continue
    const read = readCheckpoint(line, publicKeys)
    if (typeof read === 'string') findings.push({ kind: 'head', seq: 0, detail: `line ${number} of ${file} ${read}` })
    else heads.push({ seq: read.seq, hash: read.hash })
  }
  if (heads.length === 0) findings.push({ kind: 'head', seq: 0, detail: `${file} holds no checkpoint of this installation` })
  return { heads, findings }
}
