import { Injectable, type OnModuleInit } from '@nestjs/common'
import { RUN_FACTS } from '../../actions/run-facts.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { ComingBack } from '../../runs/coming-back.ts'
import type { Outlook } from '../../sdk/index.ts'

/** Says of a certificate that would come back somewhere that it was revoked since: the run that had it issued was rolled back. */
@Injectable()
export class RevokedSince implements OnModuleInit {
  constructor(private readonly comingBack: ComingBack) {}

  onModuleInit(): void {
    this.comingBack.doubtedBy((tx, restored) => this.said(tx, restored))
  }

  private async said(tx: Tx, restored: Outlook['restores']): Promise<string[]> {
    const prints = restored.flatMap(({ certificate }) => certificate?.fingerprint ?? [])
    if (prints.length === 0) return []
    const revoked = await rows<{ name: string; fingerprint: string; run: string }>(
      tx,
      `select distinct on (c.fingerprint) c.name, c.fingerprint, c.run_id as run
       from certificates c join ${RUN_FACTS} f on f.id = c.run_id where c.fingerprint = any($1) and f.state <> 'executed'`,
      [prints],
    )
    const runs = new Map(revoked.map((one) => [one.fingerprint, one]))
    return restored.flatMap(({ target, certificate }) => {
      const found = certificate && runs.get(certificate.fingerprint)
      return found
        ? [
            `The certificate that would come back at ${target} (${found.name}) was revoked, or is about to be: ${found.run} was rolled back.`,
          ]
        : []
    })
  }
}
