import { X509Certificate } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import type { JournaledStep } from '../../actions/action-run.ts'
import { Journal } from '../../actions/journal.ts'
import { RUN_FACTS } from '../../actions/run-facts.ts'
import { Catalog } from '../../catalog/catalog.ts'
import { rows, type Tx } from '../../platform/postgres/database.ts'
import { type OrderedRun, selectRuns } from '../../runs/ordered-run.ts'
import { fingerprintOf } from './bundle.ts'

/** Which certificates were revoked, or are about to be, because the run that had them issued was rolled back. */
@Injectable()
export class Revocations {
  constructor(
    private readonly catalog: Catalog,
    private readonly journal: Journal,
  ) {}

  /** The run of each that was revoked, by fingerprint, however it came to us: a source, a hand, or no road at all. */
  async among(tx: Tx, fingerprints: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (fingerprints.length === 0) return new Map()
    const sourced = await rows<{ fingerprint: string; run: string }>(
      tx,
      `select c.fingerprint, c.run_id as run from certificates c join ${RUN_FACTS} f on f.id = c.run_id
       where c.fingerprint = any($1) and f.state <> 'executed'`,
      [fingerprints],
    )
    const found = new Map(sourced.map(({ fingerprint, run }) => [fingerprint, run]))
    if (fingerprints.every((one) => found.has(one))) return found
    const runs = await this.rolledBack(tx)
    const steps = await this.journal.stepsOfAll(
      tx,
      runs.map(({ id }) => id),
    )
    for (const run of runs) {
      const issued = this.issuedBy(run, steps.get(run.id) ?? [])
      if (issued !== undefined && fingerprints.includes(issued)) found.set(issued, run.id)
    }
    return found
  }

  /** Few of those that are issued are. */
  private rolledBack(tx: Tx): Promise<OrderedRun[]> {
    const issuers = this.catalog
      .list()
      .flatMap(({ manifest, certificateSources }) => (certificateSources ? [`${manifest.id} ${certificateSources.action}`] : []))
    return selectRuns(tx, `i.plugin || ' ' || o.action = any($1) and r.state in ('undoing', 'stuck', 'undone', 'failed')`, [
      issuers,
    ])
  }

  private issuedBy({ plugin }: OrderedRun, steps: readonly JournaledStep[]): string | undefined {
    const issued = this.catalog.find(plugin)?.certificateSources?.issuedIn(steps)
    return issued && fingerprintOf(new X509Certificate(issued.certificatePem))
  }
}
