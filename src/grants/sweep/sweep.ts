import { Injectable, type OnModuleInit } from '@nestjs/common'
import { Connections } from '../../integrations/connections/connections.ts'
import { SWEEP_WORK, sweepWork } from '../../integrations/sweep-work.ts'
import { each, type Hold, type Outcome, type Work } from '../../platform/due/due-lane.ts'
import { DueWork, enqueue } from '../../platform/due/due-work.ts'
import { Database, rows } from '../../platform/postgres/database.ts'
import type { Marked } from '../../sdk/index.ts'
import { Alterations } from './alterations.ts'
import { CameBack } from './came-back.ts'
import { StrayPieces } from './stray-pieces.ts'
import type { SweepReport } from './sweep-report.ts'

const EVERY_MS = 10 * 60_000
/** When a check was under way that may have been cut off. */
const SOON_MS = 4 * 60_000

/** Compares what bears our mark in a target with what the database knows, in both directions. Works from an empty database. */
@Injectable()
export class Sweep implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly connections: Connections,
    private readonly cameBack: CameBack,
    private readonly strays: StrayPieces,
    private readonly alterations: Alterations,
  ) {}

  onModuleInit(): void {
    this.work.handle('background', SWEEP_WORK, (batch, hold) => each(batch, (work) => this.due(work, hold)))
  }

  async sweep(integrationId: string, signal: AbortSignal, options: { confirmed?: boolean } = {}): Promise<SweepReport> {
    return (await this.look(integrationId, signal, options)).report
  }

  private async look(
    integrationId: string,
    signal: AbortSignal,
    options: { confirmed?: boolean } = {},
  ): Promise<{ report: SweepReport; isUnderWay: boolean }> {
    const connection = await this.connections.use(integrationId)
    const report: SweepReport = { removed: [], foreign: [], left: [], altered: [], suspected: [] }
    await this.cameBack.look(connection, report, signal)
    let page: Marked[] = []
    let isUnderWay = false
    for await (const piece of connection.plugin.marked?.(connection.client, signal) ?? []) {
      if (piece.underWay) isUnderWay = true
      else page.push(piece)
      if (page.length < 200) continue
      await this.strays.judge(integrationId, page, report)
      page = []
    }
    await this.strays.judge(integrationId, page, report)
    await this.strays.note(integrationId, report.foreign)
    await this.alterations.compare(connection, report, signal, options)
    return { report, isUnderWay }
  }

  private async due(work: Work, hold: Hold): Promise<Outcome> {
    const active = await rows(this.database.pool, `select 1 from integrations where id = $1 and state <> 'removed'`, [
      work.subject,
    ])
    if (active.length === 0) return 'done'
    const { isUnderWay } = await this.look(work.subject, hold.signal)
    return (isUnderWay ? SOON_MS : EVERY_MS) * (0.9 + Math.random() / 5)
  }

  /** Every integration is swept soon after a start. */
  async scheduleAll(): Promise<void> {
    const due = await rows<{ id: string }>(
      this.database.pool,
      `select id from integrations i where state <> 'removed' and serves = 'access'
         and not exists (select 1 from due_work w where w.kind = $1 and w.subject = i.id and w.run_at < clock_timestamp() + interval '5 s')`,
      [SWEEP_WORK],
    )
    await enqueue(
      this.database.pool,
      due.map(({ id }) => sweepWork(id)),
    )
  }
}
