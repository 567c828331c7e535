import { Injectable, type OnModuleInit } from '@nestjs/common'
import { each } from '../../platform/due/due-lane.ts'
import { DueWork, enqueue } from '../../platform/due/due-work.ts'
import { problemOf } from '../../platform/http/problem-of.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { Distributions } from '../fan-out/distributions.service.ts'
import { noteFailure, noteSuccess, type Problem } from './problems.ts'
import { AFTER_REFUSAL_SECONDS, SEND_WORK, type Source, selectSources } from './source.ts'

/** Sends the current certificate of a source to its targets, and tries again where that was refused. */
@Injectable()
export class Sending implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly distributions: Distributions,
  ) {}

  onModuleInit(): void {
    this.work.handle('background', SEND_WORK, (batch) => each(batch, ({ subject }) => this.again(subject)))
  }

  /** The source's row is locked. What stands against it at a target keeps nothing from being renewed. */
  async send(tx: Tx, { id, name, thenDistribute, createdBy, certificate }: Source): Promise<{ id?: string; problem?: Problem }> {
    if (!thenDistribute || !certificate) return {}
    const reason = `${name} was renewed`
    try {
      const order = { ...thenDistribute, certificateId: certificate.id as `crt_${string}`, reason }
      return { id: await this.distributions.orderFor(tx, { source: id, by: createdBy }, order) }
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      return { problem: problemOf(error) }
    }
  }

  /** Tells what stands against it. It is tried again. */
  async refused(tx: Tx, source: Source, problem: Problem): Promise<void> {
    await noteFailure(tx, source, problem, 'each')
    const next = await row<{ at: Date }>(tx, 'select clock_timestamp() + make_interval(secs => $1) as at', [
      AFTER_REFUSAL_SECONDS,
    ])
    const { id, from } = source
    await enqueue(tx, [{ lane: 'background', kind: SEND_WORK, subject: id, shard: from.integrationId, at: next!.at }])
  }

  /** Whether it was another certificate, or none, that this source sent last. The source's row is locked. */
  async isUnsent(tx: Tx, { id, thenDistribute, certificate }: Source): Promise<boolean> {
    if (!thenDistribute || !certificate) return false
    const last = await row<{ certificate: string }>(
      tx,
      'select certificate_id as certificate from distributions where source_id = $1 order by id desc limit 1',
      [id],
    )
    return last?.certificate !== certificate.id
  }

  private async again(id: string): Promise<'done'> {
    await this.database.transaction(async (tx) => {
      await rows(tx, 'select 1 from certificate_sources where id = $1 for update', [id])
      const [source] = await selectSources(tx, 's.id = $1', [id])
      if (!source || !(await this.isUnsent(tx, source))) return
      const { problem } = await this.send(tx, source)
      if (problem) return this.refused(tx, source, problem)
      await noteSuccess(tx, id)
    })
    this.work.wake('run')
    return 'done'
  }
}
