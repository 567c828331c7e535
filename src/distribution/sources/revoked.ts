import { Injectable } from '@nestjs/common'
import { RUN_FACTS } from '../../actions/run-facts.ts'
import { BROKER, record } from '../../audit/record.ts'
import { DueWork, enqueue } from '../../platform/due/due-work.ts'
import { Database, row, rows } from '../../platform/postgres/database.ts'
import { noteFailure } from './problems.ts'
import { lockSource, workOf } from './source.ts'

/** Of sources by `s`: the run that had the current certificate issued was rolled back, or is being. */
const REVOKED = `certificate_sources s join certificates c on c.source_id = s.id and c.replaced_by is null and c.removed_at is null
  join ${RUN_FACTS} f on f.id = c.run_id and f.state <> 'executed'
  where s.removed_at is null and s.told_revoked is distinct from c.id`

/** Sees that the present certificate of a source was revoked, tells it once, and has another one issued at once. */
@Injectable()
export class Revoked {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
  ) {}

  async look(): Promise<void> {
    const found = await rows<{ id: string }>(this.database.pool, `select s.id from ${REVOKED}`)
    for (const { id } of found) await this.tell(id)
    if (found.length > 0) this.work.wake('background')
  }

  private tell(id: string): Promise<void> {
    return this.database.transaction(async (tx) => {
      const source = await lockSource(tx, id)
      const { name, certificate, thenDistribute, runId } = source
      const revoked = await row<{ run: string }>(tx, `select c.run_id as run from ${REVOKED} and s.id = $1`, [id])
      if (!revoked || !certificate) return // told by another replica, or renewed meanwhile
      const where = thenDistribute
        ? 'its targets have the revoked one until it is there'
        : 'distribute it where the revoked one is'
      const problem = {
        code: 'conflict',
        message: `its certificate was revoked, or is about to be: ${revoked.run} was rolled back`,
        fix: `another one is being issued; ${where}`,
      }
      await noteFailure(tx, source, problem, 'not yet')
      const data = { name, certificate: certificate.id, fingerprint: certificate.fingerprint, run: revoked.run, ...problem }
      await record(tx, { kind: 'certificate_source.revoked', actor: BROKER, subject: id, data })
      const next = await row<{ at: Date }>(
        tx,
        `update certificate_sources set told_revoked = $2, next_at = case when run_id is null then clock_timestamp() else next_at end
         where id = $1 returning next_at as at`,
        [id, certificate.id],
      )
      if (runId === null && next?.at) await enqueue(tx, [workOf(source, next.at)])
    })
  }
}
