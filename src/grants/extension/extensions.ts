import { Injectable } from '@nestjs/common'
import { BROKER, record } from '../../audit/record.ts'
import { mustBeActive } from '../../integrations/connections/connections.ts'
import { Deliveries } from '../../integrations/deliveries.ts'
import { findIntegration } from '../../integrations/integration.ts'
import { enqueue } from '../../platform/due/due-work.ts'
import { row, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { GRANT_WORK } from '../grant.ts'

/** Moves the end of access that is running. */
@Injectable()
export class Extensions {
  constructor(private readonly deliveries: Deliveries) {}

  /** Of an extension and the expiry at one moment one wins: a grant that has begun to end is not brought back. */
  async extend(tx: Tx, grantId: string, seconds: number, requestId: string): Promise<void> {
    const extended = await row<{ integrationId: string; delivery: string; expiresAt: Date }>(
      tx,
      `update grants set expires_at = expires_at + make_interval(secs => $2), extensions = extensions + 1
       where id = $1 and state = 'active' and expires_at > clock_timestamp()
       returning integration_id as "integrationId", delivery, expires_at as "expiresAt"`,
      [grantId, seconds],
    )
    if (!extended) {
      throw new BrokerError('conflict', 'the grant is over and cannot be extended', { fix: 'request access again' })
    }
    const shard = extended.integrationId
    const integration = await findIntegration(tx, shard, 'for share')
    mustBeActive({ integration })
    await this.deliveries.mustAllow(integration, extended.delivery)
    await enqueue(tx, [
      { lane: 'cut', kind: GRANT_WORK.end, subject: grantId, shard, at: extended.expiresAt },
      { lane: 'provision', kind: GRANT_WORK.extend, subject: grantId, shard },
    ])
    await record(tx, {
      kind: 'grant.extended',
      actor: BROKER,
      subject: grantId,
      data: { request: requestId, seconds, expiresAt: extended.expiresAt.toISOString() },
    })
  }
}
