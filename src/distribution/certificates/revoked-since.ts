import { Injectable, type OnModuleInit } from '@nestjs/common'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { ComingBack } from '../../runs/coming-back.ts'
import type { Outlook } from '../../sdk/index.ts'
import { Revocations } from './revocations.ts'

/** Says of a certificate that would come back somewhere that it was revoked since: the run that had it issued was rolled back. */
@Injectable()
export class RevokedSince implements OnModuleInit {
  constructor(
    private readonly comingBack: ComingBack,
    private readonly revocations: Revocations,
  ) {}

  onModuleInit(): void {
    this.comingBack.doubtedBy((tx, restored) => this.said(tx, restored))
  }

  private async said(tx: Tx, restored: Outlook['restores']): Promise<string[]> {
    const prints = restored.flatMap(({ certificate }) => certificate?.fingerprint ?? [])
    const runs = await this.revocations.among(tx, prints)
    if (runs.size === 0) return []
    const kept = await rows<{ name: string; fingerprint: string }>(
      tx,
      'select name, fingerprint from certificates where fingerprint = any($1)',
      [prints],
    )
    const names = new Map(kept.map(({ name, fingerprint }) => [fingerprint, name]))
    return restored.flatMap(({ target, certificate }) => {
      const run = certificate && runs.get(certificate.fingerprint)
      if (!run) return []
      const name = names.get(certificate.fingerprint) ?? certificate.subject
      return [
        `The certificate that would come back at ${target} (${name}) was revoked, or is about to be: ${run} was rolled back.`,
      ]
    })
  }
}
