import { Injectable } from '@nestjs/common'
import { RUN_FACTS } from '../../actions/run-facts.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { ORDERED_FACTS } from '../../runs/ordered-run.ts'
import { BrokerError } from '../../sdk/index.ts'
import { findCertificate } from '../certificates/certificate.ts'
import { type Fit, Fitting } from './fitting.ts'

/** What was ordered later than a distribution, and stands at its targets already. */
@Injectable()
export class LaterOrders {
  constructor(private readonly fitting: Fitting) {}

  /** Throws where sending it again would replace such a certificate, unless an admin says so of these very targets. */
  async mustMakeWay(tx: Tx, id: string, fit: Fit, { isNamed, needsTwo }: { isNamed: boolean; needsTwo: boolean }): Promise<void> {
    if (isNamed && !needsTwo) return
    const later = await this.standAt(tx, id, fit)
    if (!later) return
    const what = `the target ${later.target} has what ${later.distribution} sent there later`
    throw new BrokerError('conflict', needsTwo ? `${what}: one admin alone does not replace it` : what, {
      field: 'targetIds',
      fix: needsTwo
        ? 'order a new distribution to this target; a second admin accepts it'
        : 'name the targets to send to: with this one only where the older certificate is to stand there all the same',
    })
  }

  /** One of them and its target, of those that were begun with since then; undefined: nothing. What failed and was left stands there, too. */
  async standAt(
    tx: Tx,
    id: string,
    { certificate, targets }: Fit,
    since: Date | null = null,
  ): Promise<{ readonly target: string; readonly distribution: string } | undefined> {
    const later = await rows<{ id: string; certificateId: string; targetId: string }>(
      tx,
      `select newer.id, newer.certificate_id as "certificateId", p.target_id as "targetId"
       from distributions d join distributions newer on (newer.created_at, newer.id) > (d.created_at, d.id)
       join distribution_parts p on p.distribution_id = newer.id join ${RUN_FACTS} r on r.id = p.run_id join ${ORDERED_FACTS} o on o.id = p.run_id
       where d.id = $1 and p.target_id = any($2) and ($3::timestamptz is null or o."createdAt" > $3)
         and (r.state in ('executing', 'executed', 'undoing', 'stuck') or (r.state = 'failed' and r."isLeft"))
       order by newer.id desc`,
      [id, targets.map((target) => target.id), since],
    )
    for (const { id: distribution, certificateId, targetId } of later) {
      const target = targets.find((one) => one.id === targetId)!
      const other = await findCertificate(tx, certificateId)
      if (this.fitting.pathOf(target, other) === this.fitting.pathOf(target, certificate)) {
        return { target: target.name, distribution }
      }
    }
    return undefined
  }
}
