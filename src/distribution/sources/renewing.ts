import { Injectable, Logger, type OnModuleInit } from '@nestjs/common'
import { Journal } from '../../actions/journal.ts'
import { BROKER, record } from '../../audit/record.ts'
import { each, type Outcome, pauseFor, type Work } from '../../platform/due/due-lane.ts'
import { DueWork, enqueue } from '../../platform/due/due-work.ts'
import { problemOf } from '../../platform/http/problem-of.ts'
import { Database, rows } from '../../platform/postgres/database.ts'
import { refusalOfDatabase } from '../../platform/postgres/database-errors.ts'
import { SealedColumns } from '../../platform/sealing/sealed-columns.ts'
import { Sealer } from '../../platform/sealing/sealing.ts'
import { findRun, lockRun } from '../../runs/ordered-run.ts'
import { Orders } from '../../runs/orders.service.ts'
import { BrokerError } from '../../sdk/index.ts'
import { requestFor } from '../certificates/signing-request.ts'
import { Adopting, noteFailure, settle } from './adopting.ts'
import { Origins } from './origins.ts'
import { lockSource, placeOfNewKey, RENEW_WORK, type Source, selectSources, workOf } from './source.ts'

const LONGEST_PAUSE_MS = 300_000
const LONGEST_LOOK_MS = 10_000
/** What will not pass by itself is tried again so seldom. */
const AFTER_REFUSAL_SECONDS = 3600

/** Pulls certificates, and has them issued, when it is time. */
@Injectable()
export class Renewing implements OnModuleInit {
  private readonly log = new Logger(Renewing.name)

  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly origins: Origins,
    private readonly adopting: Adopting,
    private readonly orders: Orders,
    private readonly journal: Journal,
    private readonly sealer: Sealer,
    columns: SealedColumns,
  ) {
    const place = ({ id }: Readonly<Record<string, unknown>>) => placeOfNewKey(String(id))
    columns.hold({ table: 'certificate_sources', column: 'sealed_key', key: { id: 'text' }, place, lasting: false })
  }

  onModuleInit(): void {
    this.work.handle('background', RENEW_WORK, (batch) => each(batch, (work) => this.renew(work)))
  }

  private async renew(work: Work): Promise<Outcome> {
    const [source] = await selectSources(this.database.pool, 's.id = $1', [work.subject])
    if (!source || (source.msLeft === null && source.runId === null)) return 'done'
    try {
      if (source.runId) return await this.follow(source, source.runId, work)
      if (source.msLeft! > 0) return Math.ceil(source.msLeft!)
      return await (source.from.kind === 'stored' ? this.pull(source) : this.order(source))
    } catch (thrown) {
      const error = refusalOfDatabase(thrown) ?? thrown
      if (!(error instanceof BrokerError)) this.log.error({ error, source: source.id }, 'a certificate source met a bug')
      return this.failed(source, error, work)
    }
  }

  private async pull(source: Source): Promise<Outcome> {
    if (source.from.kind !== 'stored') return 'done'
    const bundle = await this.origins.pull(source.from)
    await this.database.transaction(async (tx) => {
      const now = await lockSource(tx, source.id)
      const isSame = now.certificate?.fingerprint === bundle.fingerprint
      await (isSame ? settle(tx, now) : this.adopting.adopt(tx, now, bundle, null))
    })
    this.work.wake('run')
    return 'done'
  }

  /** The key is sealed with the order of the run: whatever is issued for it, we have it. */
  private async order(source: Source): Promise<Outcome> {
    if (source.from.kind !== 'issued') return 'done'
    const { from, id, name } = source
    const { sources } = await this.origins.of(from)
    const { privateKey, request } = await requestFor(from.key, sources.namesOf(from.wish))
    const ready = await this.orders.ready({
      integrationId: from.integrationId,
      action: sources.action,
      input: sources.inputOf(from.wish, request),
      reason: `certificate ${name}`,
      startedBy: { kind: 'schedule', id },
    })
    await this.database.transaction(async (tx) => {
      const now = await lockSource(tx, id)
      if (now.runId || now.msLeft === null || now.msLeft > 0) return
      const { id: run } = await ready.write(tx)
      const sealed = this.sealer.seal(privateKey, placeOfNewKey(id))
      await rows(tx, 'update certificate_sources set run_id = $2, sealed_key = $3 where id = $1', [id, run, sealed])
      await record(tx, { kind: 'certificate_source.ordered', actor: BROKER, subject: id, data: { name, run } })
      await enqueue(tx, [workOf(source)])
    })
    this.orders.wake()
    return 'done'
  }

  private async follow(source: Source, runId: string, work: Work): Promise<Outcome> {
    const run = await findRun(this.database.pool, runId)
    switch (run?.state) {
      case 'executed':
        return this.take(source, runId)
      case 'failed':
      case 'undone':
      case undefined:
        return this.refused(source, run?.problem ?? { code: 'conflict', message: 'the run that had it issued was taken back' })
      case 'stuck':
      case 'undoing':
      case 'pending':
      case 'executing':
        return pauseFor(work.attempts, LONGEST_LOOK_MS)
    }
  }

  private async take(source: Source, runId: string): Promise<Outcome> {
    const { sources } = await this.origins.of(source.from)
    const issued = sources.issuedIn(await this.journal.steps(this.database.pool, runId))
    if (!issued || source.sealedKey === null)
      return this.refused(source, { code: 'target.unexpected', message: 'nothing was issued' })
    const key = this.sealer.open(source.sealedKey, placeOfNewKey(source.id))
    const bundle = await this.origins.bundleOf(issued.certificatePem, issued.chainPem, key.reveal())
    await this.database.transaction(async (tx) => {
      const run = await lockRun(tx, runId)
      const now = await lockSource(tx, source.id)
      if (run?.state !== 'executed' || now.runId !== runId) return // taken back meanwhile
      await this.adopting.adopt(tx, now, bundle, runId)
    })
    this.work.wake('run')
    return 'done'
  }

  private async failed(source: Source, error: unknown, { attempts }: Work): Promise<Outcome> {
    const problem = problemOf(error)
    const mayPass = !(error instanceof BrokerError) || error.retryable
    if (!mayPass) return this.refused(source, problem)
    await this.database.transaction(async (tx) => noteFailure(tx, await lockSource(tx, source.id), problem, source.mustTell))
    return pauseFor(attempts, LONGEST_PAUSE_MS)
  }

  /** Nothing came of it. The present certificate stays the current one. */
  private async refused(source: Source, problem: { code: string; message: string; fix?: string | undefined }): Promise<Outcome> {
    await this.database.transaction(async (tx) => {
      const now = await lockSource(tx, source.id)
      await noteFailure(tx, now, problem, true)
      const [next] = await rows<{ at: Date }>(
        tx,
        `update certificate_sources set run_id = null, sealed_key = null, next_at = clock_timestamp() + make_interval(secs => $2)
         where id = $1 returning next_at as at`,
        [source.id, AFTER_REFUSAL_SECONDS],
      )
      await enqueue(tx, [workOf(now, next!.at)])
    })
    return 'done'
  }
}
