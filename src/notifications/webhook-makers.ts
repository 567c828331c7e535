import { Injectable, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common'
import { BROKER, record } from '../audit/record.ts'
import { IS_NO_ADMIN_ANY_MORE } from '../identity/directory/scim-tokens-in-hand.ts'
import { each } from '../platform/due/due-lane.ts'
import { DueWork, enqueue } from '../platform/due/due-work.ts'
import { Database, rows, type Tx } from '../platform/postgres/database.ts'

const LOOK = 'webhook.makers'
const LOOK_AGAIN_MS = 3_000

/** SQL: of `w`, a webhook: why nobody may be told through it any more; null while its maker, or the person who switched it on, answers for it. */
export const LEFT_ALONE = `case
  when exists (select from unnest(w.makers) as m (maker) left join users h on h.id = m.maker where ${IS_NO_ADMIN_ANY_MORE})
    then 'who made it was disabled, removed or refused, or is no longer an admin'
  when exists (select from api_tokens t where t.id = w.made_with and t.revoked_at is not null)
    then 'the token it was made with was revoked'
end`

/** Pauses webhooks that nobody answers for any more: where the news of everybody's access goes was the choice of somebody who has left. */
@Injectable()
export class WebhookMakers implements OnModuleInit, OnApplicationBootstrap {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
  ) {}

  /** Nothing is told in between: the sender asks the same. */
  onModuleInit(): void {
    this.work.handle('notify', LOOK, (batch) =>
      each(batch, async () => {
        await this.database.transaction(pause)
        return LOOK_AGAIN_MS
      }),
    )
  }

  /** One row for all replicas, which never ends. */
  async onApplicationBootstrap(): Promise<void> {
    await enqueue(this.database.pool, [{ lane: 'notify', kind: LOOK, subject: 'webhooks', shard: 'webhooks' }])
  }
}

async function pause(tx: Tx): Promise<void> {
  const paused = await rows<{ id: string; name: string; reason: string }>(
    tx,
    `update webhooks w set active = false, paused_because = ${LEFT_ALONE}, changed_at = now()
     where w.active and ${LEFT_ALONE} is not null returning id, name, paused_because as reason`,
  )
  const fix =
    'look where it leads. If that is right, switch it on in your own name (PATCH /api/webhooks/:id with {"active":true}), and give it a new secret (POST …/rotate)'
  await record(
    tx,
    ...paused.map(({ id, name, reason }) => ({
      kind: 'webhook.paused' as const,
      actor: BROKER,
      subject: id,
      data: { name, reason, fix },
    })),
  )
}
