import { Injectable, type OnModuleInit } from '@nestjs/common'
import { row, type Tx } from '../../platform/postgres/database.ts'
import { CarryingOut } from '../../runs/carrying-out.ts'
import type { OrderedRun } from '../../runs/ordered-run.ts'
import { BrokerError } from '../../sdk/index.ts'
import { findCertificate } from '../certificates/certificate.ts'
import { findTarget } from '../targets/target.ts'
import { Fitting } from './fitting.ts'
import { LaterOrders } from './later-orders.ts'

interface Sent {
  readonly id: string
  readonly certificateId: string
  readonly targetId: string
  readonly resumedAt: Date | null
}

/** Whether a certificate on its way to a target is still to arrive there. Minutes may pass until a target can be reached. */
@Injectable()
export class StillWanted implements OnModuleInit {
  constructor(
    private readonly runs: CarryingOut,
    private readonly fitting: Fitting,
    private readonly laterOrders: LaterOrders,
  ) {}

  onModuleInit(): void {
    this.runs.wantedBy('distribution', (tx, run) => this.mustBeWanted(tx, run))
  }

  private async mustBeWanted(tx: Tx, { id: runId, state, target: system }: OrderedRun): Promise<void> {
    const sent = await row<Sent>(
      tx,
      `select d.id, d.certificate_id as "certificateId", p.target_id as "targetId", p.resumed_at as "resumedAt"
       from distributions d join distribution_parts p on p.distribution_id = d.id where p.run_id = $1`,
      [runId],
    )
    if (!sent) return
    const certificate = await findCertificate(tx, sent.certificateId)
    await this.fitting.mustBeOfUse(tx, certificate)
    // Which system answers is written down with the plan. This is asked once more before anything is sent there.
    if (state === 'pending') return
    const targets = [await findTarget(tx, sent.targetId)]
    // Who has it sent there by name was told what stood there then, and not of what has come since.
    const later = await this.laterOrders.standAt(tx, sent.id, { certificate, targets }, { since: sent.resumedAt, system })
    if (!later) return
    throw new BrokerError('conflict', `what was ordered later, by ${later.distribution}, is there already`, {
      fix: 'resume the distribution with this target named, if this certificate is to stand there all the same',
    })
  }
}
