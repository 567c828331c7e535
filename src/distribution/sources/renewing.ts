import { Injectable, Logger, type OnModuleInit } from '@nestjs/common'
import { Journal } from '../../actions/journal.ts'
import { BROKER, record } from '../../audit/record.ts'
import { each, type Hold, type Outcome, pauseFor, type Work } from '../../platform/due/due-lane.ts'
import { DueWork, enqueue } from '../../platform/due/due-work.ts'
import { problemOf } from '../../platform/http/problem-of.ts'
import { Database, rows } from '../../platform/postgres/database.ts'
import { refusalOfDatabase } from '../../platform/postgres/database-errors.ts'
import { SealedColumns } from '../../platform/sealing/sealed-columns.ts'
import { Sealer } from '../../platform/sealing/sealing.ts'
import { findRun, lockRun } from '../../runs/ordered-run.ts'
import { Orders } from '../../runs/orders.service.ts'
import { TakingBack } from '../../runs/taking-back.ts'
import { BrokerError } from '../../sdk/index.ts'
import { NotYetValid } from '../certificates/bundle.ts'
import { requestFor } from '../certificates/signing-request.ts'
import { Adopting } from './adopting.ts'
import { Origins } from './origins.ts'
import { noteFailure, type Problem } from './problems.ts'
import { AFTER_REFUSAL_SECONDS, lockSource, placeOfNewKey, RENEW_WORK, type Source, selectSources, workOf } from './source.ts'

const LONGEST_PAUSE_MS = 300_000
const LONGEST_LOOK_MS = 10_000
/** Where it was not enqueued for a later moment: somebody came first. */
const LOOK_AGAIN_MS = 250
/** What was issued in vain and revoked is ordered again ever more seldom, but so often. */
const MOST_SELDOM_SECONDS = 86_400

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
    private readonly takingBack: TakingBack,
    private readonly journal: Journal,
    private readonly sealer: Sealer,
    columns: SealedColumns,
  ) {
    const place = ({ id }: Readonly<Record<string, unknown>>) => placeOfNewKey(String(id))
    columns.hold({ table: 'certificate_sources', column: 'sealed_key', key: { id: 'text' }, place, lasting: false })
  }

  onModuleInit(): void {
    this.work.handle('background', RENEW_WORK, (batch, hold) => each(batch, (work) => this.renew(work, hold)))
  }

  private async renew(work: Work, hold: Hold): Promise<Outcome> {
    const [source] = await selectSources(this.database.pool, 's.id = $1', [work.subject])
    if (!source || (source.msLeft === null && source.runId === null)) return 'done'
    try {
      if (source.runId) return await this.follow(source, source.runId, work, hold)
      if (source.msLeft! > 0) return Math.ceil(source.msLeft!)
      return await (source.from.kind === 'stored' ? this.pull(source, hold) : this.order(source, hold))
    } catch (thrown) {
      const error = refusalOfDatabase(thrown) ?? thrown
      if (!(error instanceof BrokerError)) this.log.error({ error, source: source.id }, 'a certificate source met a bug')
      return this.failed(source, error, work, hold)
    }
  }

  private async pull(source: Source, hold: Hold): Promise<Outcome> {
    if (source.from.kind !== 'stored') return 'done'
    const bundle = await this.origins.pull(source.from)
    await this.database.transaction(async (tx) => {
      const now = await lockSource(tx, source.id)
      if (!isAsItWas(now, source, hold)) return // what was read may be older than what came meanwhile
      await ((await this.adopting.isPresent(tx, now, bundle))
        ? this.adopting.keepOn(tx, now)
        : this.adopting.adopt(tx, now, bundle, null))
    })
    this.work.wake('run')
    return LOOK_AGAIN_MS
  }

  /** The key is sealed with the order of the run: whatever is issued for it, we have it. */
  private async order(source: Source, hold: Hold): Promise<Outcome> {
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
      if (!isAsItWas(now, source, hold)) return
      const { id: run } = await ready.write(tx)
      const sealed = this.sealer.seal(privateKey, placeOfNewKey(id))
      await rows(tx, 'update certificate_sources set run_id = $2, sealed_key = $3 where id = $1', [id, run, sealed])
      await record(tx, { kind: 'certificate_source.ordered', actor: BROKER, subject: id, data: { name, run } })
      await enqueue(tx, [workOf(source)])
    })
    this.orders.wake()
    return LOOK_AGAIN_MS
  }

  private async follow(source: Source, runId: string, work: Work, hold: Hold): Promise<Outcome> {
    const run = await findRun(this.database.pool, runId)
    switch (run?.state) {
      case 'executed':
        return this.take(source, runId).catch((error: unknown) => {
          if (!(error instanceof Unfit)) throw error
          return this.takeBack(source, runId, error.problem, work, hold)
        })
      case 'failed':
      case 'undone':
      case undefined: {
        const why = run?.problem ?? (run?.undo?.by === null ? source.problem : null)
        return this.refused(source, why ?? { code: 'conflict', message: 'the run that had it issued was taken back' }, hold)
      }
      case 'stuck':
      case 'undoing':
      case 'pending':
      case 'executing':
        return pauseFor(work.attempts, LONGEST_LOOK_MS)
    }
  }

  /** Asks nothing of the server, so a pause of the integration does not matter: what was issued is kept. */
  private async take(source: Source, runId: string): Promise<Outcome> {
    const { sources } = await this.origins.known(source.from)
    const issued = sources.issuedIn(await this.journal.steps(this.database.pool, runId))
    if (!issued || source.sealedKey === null) throw new Unfit({ code: 'target.unexpected', message: 'nothing was issued' })
    const key = this.sealer.open(source.sealedKey, placeOfNewKey(source.id))
    await refusalsAsUnfit(async () => {
      const bundle = await this.origins.bundleOf(issued.certificatePem, issued.chainPem, key.reveal())
      await this.database.transaction(async (tx) => {
        const run = await lockRun(tx, runId)
        const now = await lockSource(tx, source.id)
        if (run?.state !== 'executed' || now.runId !== runId) return // taken back, or taken, meanwhile
        await this.adopting.adopt(tx, now, bundle, runId)
      })
    })
    this.work.wake('run')
    return LOOK_AGAIN_MS
  }

  /** What cannot be kept is revoked, by its serial number. Until it is, neither its key nor its run is forgotten, and no other is ordered. */
  private async takeBack(source: Source, runId: string, problem: Problem, work: Work, hold: Hold): Promise<Outcome> {
    const waitMs = await this.database.transaction(async (tx) => {
      const run = await lockRun(tx, runId)
      const now = await lockSource(tx, source.id)
      if (now.runId !== runId || run?.state !== 'executed' || !hold.isOurs()) return 0
      await noteFailure(tx, now, problem, 'each')
      // The server refused to revoke it: it is asked again when the next moment has come.
      if (now.msLeft !== null && now.msLeft > 0) return Math.min(now.msLeft, LONGEST_PAUSE_MS)
      await this.takingBack.begun(tx, null, runId, `what was issued cannot be kept: ${problem.message}`)
      await rows(tx, 'update certificate_sources set next_at = clock_timestamp() + make_interval(secs => $2) where id = $1', [
        source.id,
        AFTER_REFUSAL_SECONDS,
      ])
      return 0
    })
    this.work.wake('run')
    return waitMs > 0 ? Math.ceil(waitMs) : pauseFor(work.attempts, LONGEST_LOOK_MS)
  }

  /** As long as a run of it goes on, or what it had issued is neither kept nor revoked, nothing is given up. */
  private async failed(source: Source, error: unknown, { attempts }: Work, hold: Hold): Promise<Outcome> {
    const problem = problemOf(error)
    const mayPass = !(error instanceof BrokerError) || error.retryable
    if (!mayPass && source.runId === null) return this.refused(source, problem, hold)
    const tell = mayPass ? (source.mustTell ? 'once' : 'not yet') : 'each'
    await this.database.transaction(async (tx) => {
      const now = await lockSource(tx, source.id)
      if (isAsItWas(now, source, hold)) await noteFailure(tx, now, problem, tell)
    })
    return pauseFor(attempts, LONGEST_PAUSE_MS)
  }

  /** Nothing came of it, and nothing that was issued is left. The present certificate stays the current one. */
  private async refused(source: Source, problem: Problem, hold: Hold): Promise<Outcome> {
    await this.database.transaction(async (tx) => {
      const now = await lockSource(tx, source.id)
      if (!isAsItWas(now, source, hold)) return
      await noteFailure(tx, now, problem, 'each')
      const [next] = await rows<{ at: Date }>(
        tx,
        `update certificate_sources set run_id = null, sealed_key = null, next_at = clock_timestamp() + greatest(make_interval(secs => $2),
           case when run_id is not null then least(clock_timestamp() - failing_since, make_interval(secs => $3)) end)
         where id = $1 returning next_at as at`,
        [source.id, AFTER_REFUSAL_SECONDS, MOST_SELDOM_SECONDS],
      )
      await enqueue(tx, [workOf(now, next!.at)])
    })
    return LOOK_AGAIN_MS
  }
}

/** What was issued cannot be kept, and no later try would change that. */
class Unfit extends Error {
  constructor(readonly problem: Problem) {
    super(problem.message)
  }
}

async function refusalsAsUnfit(take: () => Promise<void>): Promise<void> {
  try {
    await take()
  } catch (error) {
    if (!(error instanceof BrokerError) || error.retryable || error instanceof NotYetValid) throw error
    throw new Unfit(problemOf(error))
  }
}

/** Whether nobody came first: another replica that took over, or an admin who wants it looked at once more. */
function isAsItWas(now: Source, then: Source, hold: Hold): boolean {
  const isSame =
    now.runId === then.runId && now.certificate?.id === then.certificate?.id && now.nextAt?.getTime() === then.nextAt?.getTime()
  return isSame && hold.isOurs()
}
