import { Injectable } from '@nestjs/common'
import { BROKER, record } from '../../audit/record.ts'
import { enqueue, withdraw } from '../../platform/due/due-work.ts'
import { newId } from '../../platform/ids.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { Sealer } from '../../platform/sealing/sealing.ts'
import { BrokerError } from '../../sdk/index.ts'
import type { Bundle } from '../certificates/bundle.ts'
import { type Certificate, findCertificate, isThatOne, selectCertificates } from '../certificates/certificate.ts'
import { EXPIRY_WORK, Expiry } from '../certificates/expiry.ts'
import { Keeping } from '../certificates/keeping.ts'
import { noteSuccess } from './problems.ts'
import { Sending } from './sending.ts'
import { type Source, workOf } from './source.ts'

/** Makes a new certificate the current one of its source. It, its way to the targets and the next moment are one transaction. */
@Injectable()
export class Adopting {
  constructor(
    private readonly keeping: Keeping,
    private readonly expiry: Expiry,
    private readonly sending: Sending,
    private readonly sealer: Sealer,
  ) {}

  /** The source's row is locked. */
  async adopt(tx: Tx, source: Source, bundle: Bundle, runId: string | null): Promise<void> {
    const { id, name, variables, certificate: former, createdBy } = source
    const { fingerprint, notAfter } = bundle
    const earlier = await this.earlierOf(tx, bundle, id)
    const certificate = earlier ?? newId('crt')
    if (former) {
      await rows(tx, 'update certificates set replaced_by = $2 where id = $1', [former.id, certificate])
      await withdraw(tx, EXPIRY_WORK, [former.id])
    }
    if (earlier) {
      await rows(tx, 'update certificates set replaced_by = null where id = $1', [earlier])
      await this.expiry.watch(tx, earlier)
    } else {
      await this.keeping.keep(
        tx,
        { user: createdBy, actor: BROKER },
        { name, variables, bundle, sourceId: id, runId },
        certificate,
      )
    }
    await settle(tx, source)
    await noteSuccess(tx, id)
    const adopted = {
      ...source,
      certificate: { id: certificate, fingerprint, notAfter: notAfter.toISOString() },
      problem: null,
      told: false,
    }
    const sent = await this.sending.send(tx, adopted)
    const data = { name, certificate, fingerprint, replaces: former?.id ?? null, distribution: sent.id ?? null }
    await record(tx, { kind: 'certificate_source.renewed', actor: BROKER, subject: id, data })
    if (sent.problem) await this.sending.refused(tx, adopted, sent.problem)
  }

  /** Whether it is the source's present one, to the letter. */
  async isPresent(tx: Tx, { certificate }: Source, bundle: Bundle): Promise<boolean> {
    return certificate !== null && isThatOne(this.sealer, await findCertificate(tx, certificate.id), bundle)
  }

  /** The certificate that this source had before, where it is that one again. Throws where somebody else keeps it. */
  private async earlierOf(tx: Tx, bundle: Bundle, sourceId: string) {
    const kept = await mustBeKeptByNobodyElse(tx, bundle, sourceId)
    return kept.find((one) => one.sourceId === sourceId && isThatOne(this.sealer, one, bundle))?.id as `crt_${string}` | undefined
  }

  /** Nothing is new: what was not sent yet is tried once more. The source's row is locked. */
  async keepOn(tx: Tx, source: Source): Promise<void> {
    const { problem } = (await this.sending.isUnsent(tx, source)) ? await this.sending.send(tx, source) : {}
    if (problem) await this.sending.refused(tx, source, problem)
    else await noteSuccess(tx, source.id)
    await settle(tx, source)
  }
}

/** When it is due next: a place is looked at again and again, what is issued is renewed before its end. */
async function settle(tx: Tx, { id, from }: Source): Promise<void> {
  const [next] = await rows<{ at: Date | null }>(
    tx,
    `update certificate_sources s set run_id = null, sealed_key = null,
       next_at = case when $2::int is not null then clock_timestamp() + make_interval(secs => $2)
         else (select greatest(c.not_after - make_interval(days => $3::int), c.not_before + (c.not_after - c.not_before) * 2 / 3)
           from certificates c where c.source_id = s.id and c.replaced_by is null and c.removed_at is null) end
     where id = $1 returning next_at as at`,
    [id, from.kind === 'stored' ? from.lookEverySeconds : null, from.kind === 'issued' ? from.renewDaysBefore : null],
  )
  if (next?.at) await enqueue(tx, [workOf({ id, from }, next.at)])
}

/** Throws where somebody keeps it already, this source aside. */
export async function mustBeKeptByNobodyElse(tx: Tx, { fingerprint }: Bundle, sourceId: string | null): Promise<Certificate[]> {
  const kept = await selectCertificates(tx, 'fingerprint = $1', [fingerprint])
  const other = kept.find((one) => one.replacedBy === null && (sourceId === null || one.sourceId !== sourceId))
  if (!other) return kept
  throw new BrokerError('conflict', `this certificate is kept already, as ${other.name}`, {
    field: 'from',
    fix: `remove ${other.id} first`,
  })
}
