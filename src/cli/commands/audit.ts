import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Head } from '../../audit/link.ts'
import type { NotedCheckpoints } from '../../audit/read-checkpoints.ts'
import type { AuditVerdict } from '../../contract/audit.ts'
import { BrokerError } from '../../sdk/index.ts'
import { json, table } from '../lines.ts'
import type { Terminal } from '../terminal.ts'

interface Verify {
  readonly file?: string
  readonly head?: { seq: number; hash: string }
  readonly checkpoint?: string
  readonly publicKey?: readonly string[]
  readonly json?: boolean
}

interface Export {
  readonly format: 'jsonl' | 'csv'
  readonly from?: string
  readonly to?: string
}

/** An auditor's own look at the trail: at the database or an export, never through the daemon. */
export function audit(program: Command, terminal: Terminal): void {
  const commands = program.command('audit').summary('verify or export the audit trail, without the daemon')
  commands
    .command('verify')
    .summary('check the hash chain: list events that were edited, deleted, inserted or moved')
    .option(
      '--file <export.jsonl>',
      'check an exported file instead of the database; if it does not begin at event 1, its first event cannot be checked',
    )
    .option('--head <seq:hash>', 'a head that you noted earlier; the chain must contain it', head)
    .option('--checkpoint <file>', 'a file of signed checkpoints, or a log with them; the chain must contain each one')
    .option(
      '--public-key <key...>',
      'public key that signed the checkpoints (default: the installation’s own, if you can read its key)',
    )
    .option('--json', 'print the result as JSON')
    .action(async (options: Verify) => {
      const verdict = await look(terminal, options)
      for (const line of options.json ? [json(verdict)] : inLines(verdict)) terminal.print(line)
      if (verdict.ok) return
      const { length } = verdict.findings
      throw new BrokerError('conflict', `the trail was tampered with: ${length} finding${length === 1 ? '' : 's'}`, {
        fix: 'keep the database and its backups as they are, and compare with an earlier export',
      })
    })
  commands
    .command('export')
    .summary('print the trail, oldest first')
    .addOption(new Option('--format <format>', 'format of each line').choices(['jsonl', 'csv']).default('jsonl'))
    .option('--from <moment>', 'first moment, such as 2030-01-31T00:00:00Z', moment)
    .option('--to <moment>', 'export events before this moment', moment)
    .action(async (options: Export) => {
      const { exportTrail } = await import('../../audit/export.ts')
      const { withDatabase } = await import('../with-database.ts')
      await withDatabase(terminal, {}, async (database) => {
        for await (const lines of exportTrail(database.pool, options)) terminal.print(lines.replace(/\r?\n$/, ''))
      })
    })
}

async function look(terminal: Terminal, { file, head: noted, checkpoint, publicKey }: Verify): Promise<AuditVerdict> {
  const { heads, findings } = await checkpoints(terminal, checkpoint, publicKey)
  const verdict = await follow(terminal, file, noted ? [...heads, noted] : heads)
  return { ...verdict, ok: verdict.ok && findings.length === 0, findings: [...findings, ...verdict.findings] }
}

async function follow(terminal: Terminal, file: string | undefined, noted: readonly Head[]): Promise<AuditVerdict> {
  if (file !== undefined) {
    const { verifyExport } = await import('../../audit/verify-export.ts')
    return verifyExport(file, noted)
  }
  const { verify } = await import('../../audit/verify.ts')
  const { withDatabase } = await import('../with-database.ts')
  return withDatabase(terminal, {}, (database) => verify(database, noted))
}

async function checkpoints(
  { env }: Terminal,
  file: string | undefined,
  given: readonly string[] | undefined,
): Promise<NotedCheckpoints> {
  if (file === undefined) return { heads: [], findings: [] }
  const { readCheckpoints } = await import('../../audit/read-checkpoints.ts')
  if (given) return readCheckpoints(file, given)
  const { readConfig } = await import('../../config/read-config.ts')
  const { keysThere } = await import('../../platform/installation/state-folder.ts')
  const { Sealer } = await import('../../platform/sealing/sealing.ts')
  const { CHECKPOINT_PURPOSE, CheckpointSigner } = await import('../../audit/checkpoint.ts')
  const config = readConfig(env)
  const [key, ...others] = await keysThere(config.stateDir, config.key, [...config.formerKeys, ...config.nextKeys])
  const seeds = new Sealer(key!, others).derive(CHECKPOINT_PURPOSE)
  return readCheckpoints(
    file,
    seeds.map((seed) => new CheckpointSigner(seed).publicKey),
  )
}

function inLines({ ok, events, head: { seq, hash }, findings }: AuditVerdict): string[] {
  if (ok)
    return [`The trail is whole: ${events} events.`, `Note its head elsewhere, and check it next time: --head ${seq}:${hash}`]
  return table(
    ['PLACE', 'FINDING', 'EVENT', 'DETAIL'],
    findings.map((finding) => [String(finding.seq), finding.kind, finding.eventId ?? '', finding.detail]),
  )
}

function head(text: string): { seq: number; hash: string } {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? []
  if (seq === undefined || hash === undefined)
    throw new InvalidArgumentError('Write the head as verify printed it: a number, a colon and 64 hex digits.')
  return { seq: Number(seq), hash }
}

function moment(text: string): string {
  const date = new Date(text)
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(date.getTime())) {
    throw new InvalidArgumentError('Write a moment such as 2030-01-31T00:00:00Z.')
  }
  return text
}
