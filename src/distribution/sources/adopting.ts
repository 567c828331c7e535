import { Injectable } from '@nestjs/common'
import { BROKER, record } from '../../audit/record.ts'
import { enqueue, withdraw } from '../../platform/due/due-work.ts'
import { problemOf } from '../../platform/http/problem-of.ts'
import { newId } from '../../platform/ids.ts'
import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import type { Bundle } from '../certificates/bundle.ts'
import { EXPIRY_WORK } from '../certificates/expiry.ts'
import { Keeping } from '../certificates/keeping.ts'
import { Distributions } from '../fan-out/distributions.service.ts'
import { type Source, workOf } from './source.ts'

/** What `noteFailure` is told. */
interface Problem {
  readonly code: string
  readonly message: string
  readonly fix?: string | undefined
}

/** Makes a new certificate the current one of its source. It, its way to the targets and the next moment are one transaction. */
@Injectable()
export class Adopting {
  constructor(
    private readonly keeping: Keeping,
    private readonly distributions: Distributions,
  ) {}

  /** The source's row is locked. */
  async adopt(tx: Tx, source: Source, bundle: Bundle, runId: string | null): Promise<void> {
    const { id, name, variables, certificate: former, createdBy } = source
    await mustBeNew(tx, bundle.fingerprint)
    const certificate = newId('crt')
    if (former) {
      await rows(tx, 'update certificates set replaced_by = $2 where id = $1', [former.id, certificate])
      await withdraw(tx, EXPIRY_WORK, [former.id])
    }
    await this.keeping.keep(tx, { user: createdBy, actor: BROKER }, { name, variables, bundle, sourceId: id, runId }, certificate)
    const sent = await this.send(tx, source, certificate)
    const data = {
      name,
      certificate,
      fingerprint: bundle.fingerprint,
      replaces: former?.id ?? null,
      distribution: sent.id ?? null,
    }
    await record(tx, { kind: 'certificate_source.renewed', actor: BROKER, subject: id, data })
    if (sent.problem) await noteFailure(tx, source, sent.problem, true)
    await settle(tx, source, sent.problem !== undefined)
  }

  /** What stands against it at a target is told, and keeps nothing from being renewed. */
  private async send(tx: Tx, source: Source, certificateId: string): Promise<{ id?: string; problem?: Problem }> {
    const { id, name, thenDistribute, createdBy } = source
    if (!thenDistribute) return {}
    const reason = `${name} was renewed`
    try {
      const order = { ...thenDistribute, certificateId: certificateId as `crt_${string}`, reason }
      return { id: await this.distributions.orderFor(tx, { source: id, by: createdBy }, order) }
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      return { problem: problemOf(error) }
    }
  }
}

/** When it is due next: a place is looked at again and again, what is issued is renewed before its end. */
export async function settle(tx: Tx, { id, from }: Source, keepProblem = false): Promise<void> {
  const [next] = await rows<{ at: Date | null }>(
    tx,
    `update certificate_sources s set run_id = null, sealed_key = null,
       problem = case when $4 then problem end, failing_since = case when $4 then failing_since end, told = $4 and told,
       next_at = case when $2::int is not null then clock_timestamp() + make_interval(secs => $2)
         else (select greatest(c.not_after - make_interval(days => $3::int), c.not_before + (c.not_after - c.not_before) * 2 / 3)
           from certificates c where c.source_id = s.id and c.replaced_by is null and c.removed_at is null) end
     where id = $1 returning next_at as at`,
    [
      id,
      from.kind === 'stored' ? from.lookEverySeconds : null,
      from.kind === 'issued' ? from.renewDaysBefore : null,
      keepProblem,
    ],
  )
  if (next?.at) await enqueue(tx, [workOf({ id, from }, next.at)])
}

/** People are told once, until it succeeds again. */
export async function noteFailure(
  tx: Tx,
  { id, name, told, certificate }: Source,
  problem: Problem,
  tell: boolean,
): Promise<void> {
  await rows(
    tx,
    `update certificate_sources set problem = $2, failing_since = coalesce(failing_since, clock_timestamp()), told = told or $3 where id = $1`,
    [id, JSON.stringify(problem), tell],
  )
  if (!tell || told) return
  const data = { name, certificate: certificate?.id ?? null, notAfter: certificate?.notAfter ?? null, ...problem }
  await record(tx, { kind: 'certificate_source.failed', actor: BROKER, subject: id, data })
}

async function mustBeNew(tx: Tx, fingerprint: string): Promise<void> {
  const other = await row<{ id: string; name: string }>(
    tx,
    'select id, name from certificates where fingerprint = $1 and removed_at is null',
    [fingerprint],
  )
  if (!other) return
  throw new BrokerError('conflict', `this certificate is kept already, as ${other.name}`, {
    field: 'from',
    fix: `remove ${other.id} first`,
  })
}
