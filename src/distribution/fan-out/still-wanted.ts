import { Injectable, type OnModuleInit } from '@nestjs/common'
import { RUN_FACTS } from '../../actions/run-facts.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { CarryingOut } from '../../runs/carrying-out.ts'
import { ORDERED_FACTS } from '../../runs/ordered-run.ts'
import { BrokerError } from '../../sdk/index.ts'
import { findCertificate } from '../certificates/certificate.ts'
import { Fitting } from './fitting.ts'

/** Whether a certificate on its way to a target is still to arrive there. Minutes may pass until a target can be reached. */
@Injectable()
export class StillWanted implements OnModuleInit {
  constructor(
    private readonly runs: CarryingOut,
    private readonly fitting: Fitting,
  ) {}

  onModuleInit(): void {
    this.runs.wantedBy('distribution', async (tx, { id, integrationId, writes }) => {
      const [sent] = await rows<{ id: string; certificateId: string; attempts: number }>(
        tx,
        `select d.id, d.certificate_id as "certificateId", d.attempts from distributions d
         join distribution_parts p on p.distribution_id = d.id where p.run_id = $1`,
        [id],
      )
      if (!sent) return
      this.fitting.mustBeOfUse(await findCertificate(tx, sent.certificateId))
      // Who has it sent once more knows what was sent there since.
      if (sent.attempts === 1) await mustBeNewest(tx, sent.id, integrationId, writes)
    })
  }
}

async function mustBeNewest(tx: Tx, id: string, integrationId: string, writes: readonly string[]): Promise<void> {
  const [newer] = await rows<{ id: string }>(
    tx,
    `select newer.id from distributions d join distributions newer on (newer.created_at, newer.id) > (d.created_at, d.id)
     join distribution_parts p on p.distribution_id = newer.id join ${ORDERED_FACTS} o on o.id = p.run_id
     join ${RUN_FACTS} r on r.id = o.id
     where d.id = $1 and o."integrationId" = $2 and o.writes && $3 and r.state in ('executing', 'executed') limit 1`,
    [id, integrationId, writes],
  )
  if (!newer) return
  throw new BrokerError('conflict', `what was ordered later, by ${newer.id}, is there already`, {
    fix: 'resume the distribution if this certificate is to stand there all the same',
  })
}
