import { Injectable, Logger } from '@nestjs/common'
import type { Counter } from '@opentelemetry/api'
import { liveAmong } from '../../actions/run-facts.ts'
import { BROKER, record } from '../../audit/record.ts'
import { Installation } from '../../platform/installation/installation.ts'
import { Database, rows } from '../../platform/postgres/database.ts'
import { Metrics } from '../../platform/watching/metrics.ts'
import type { Marked } from '../../sdk/index.ts'
import type { SweepReport } from './sweep-report.ts'

/** The rest of a flood is a number: its maker could make a trail of it. */
const NAMED_AT_MOST = 100

/** Pieces in a target that no grant accounts for: ours are removed, the others reported once, for as long as they are there. */
@Injectable()
export class StrayPieces {
  private readonly log = new Logger(StrayPieces.name)
  private readonly orphans: Counter
  private readonly strangers: Counter

  constructor(
    private readonly database: Database,
    private readonly installation: Installation,
    metrics: Metrics,
  ) {
    this.orphans = metrics.counter('latchkey_orphans_removed_total', 'pieces found in a target that no grant accounts for')
    this.strangers = metrics.counter(
      'latchkey_foreign_found_total',
      'pieces found where only the broker’s should be, made by somebody else',
    )
  }

  /** The target was read before the database is asked: whatever a grant creates has its row first, so nothing living looks orphaned. */
  async judge(integrationId: string, pieces: readonly Marked[], report: SweepReport): Promise<void> {
    if (pieces.length === 0) return
    const known = await liveAmong(
      this.database.pool,
      pieces.flatMap((piece) => piece.runId ?? []),
    )
    for (const piece of pieces) {
      if (piece.runId && known.has(piece.runId)) continue
      if (piece.instance !== this.installation.instance) {
        report.foreign.push(piece.artefact)
        continue
      }
      await this.remove(integrationId, piece, report)
    }
  }

  /** What is foreign is told when it is found first, and again when it was gone in between. */
  async note(integrationId: string, artefacts: readonly string[]): Promise<void> {
    await this.database.transaction(async (tx) => {
      await rows(tx, 'delete from foreign_pieces where integration_id = $1 and artefact <> all($2)', [integrationId, artefacts])
      const found = await rows<{ artefact: string }>(
        tx,
        `insert into foreign_pieces (integration_id, artefact) select $1, unnest($2::text[]) on conflict do nothing returning artefact`,
        [integrationId, artefacts],
      )
      if (found.length === 0) return
      this.strangers.add(found.length)
      const named = found.map(({ artefact }) => artefact).toSorted()
      const note = named.slice(0, NAMED_AT_MOST).join(', ')
      await record(tx, {
        kind: 'foreign.found',
        actor: BROKER,
        subject: integrationId,
        data: { count: named.length, note, artefacts: named.slice(0, NAMED_AT_MOST) },
      })
    })
  }

  private async remove(integrationId: string, piece: Marked, report: SweepReport): Promise<void> {
    try {
      // It was read a while ago, and its grant's own end may have removed it since.
      if ((await piece.stands?.()) === false) return
      await piece.remove()
    } catch (error) {
      this.log.warn({ error, artefact: piece.artefact }, 'an orphan could not be removed')
      report.left.push(piece.artefact)
      return
    }
    report.removed.push(piece.artefact)
    this.orphans.add(1)
    await this.database.transaction((tx) =>
      record(tx, {
        kind: 'orphan.removed',
        actor: BROKER,
        subject: integrationId,
        data: { artefact: piece.artefact, run: piece.runId },
      }),
    )
  }
}
