import { Injectable } from '@nestjs/common'
import type { z } from 'zod'
import { record } from '../audit/record.ts'
import { id } from '../contract/id.ts'
import type { Page } from '../contract/lists.ts'
import type { NotificationDelivery, NotificationDeliveryQuery } from '../contract/notifications.ts'
import type { Caller } from '../identity/callers/caller.ts'
import { enqueue } from '../platform/due/due-work.ts'
import { type CursorKind, Cursors } from '../platform/http/cursors.ts'
import { Database, row, rows, type Tx } from '../platform/postgres/database.ts'
import { BrokerError } from '../sdk/index.ts'
import { dueNotification } from './dispatcher.ts'

// Newest first; ids begin with their time.
const NOTIFICATIONS: CursorKind<string> = { list: 'deliveries', position: id('ntf') as z.ZodType<string> }

const SELECT = `select d.id, d.channel, d.state, d.attempts, d.last_error as "lastError", d.created_at as "createdAt",
  d.settled_at as "settledAt", w.run_at as "nextAttemptAt", d.target, coalesce(u.name, h.name) as "targetName",
  e.id as "eventId", e.kind as "eventKind", e.subject as "eventSubject", e.at as "eventAt"
  from notification_deliveries d join audit_events e on e.id = d.event_id
  left join users u on u.id = d.target left join webhooks h on h.id = d.target
  left join due_work w on w.subject = d.id and w.kind in ('notification.email', 'notification.webhook')`

interface NotificationRow {
  readonly id: NotificationDelivery['id']
  readonly channel: NotificationDelivery['channel']
  readonly state: NotificationDelivery['state']
  readonly attempts: number
  readonly lastError: string | null
  readonly createdAt: Date
  readonly settledAt: Date | null
  readonly nextAttemptAt: Date | null
  readonly target: string
  readonly targetName: string | null
  readonly eventId: NotificationDelivery['event']['id']
  readonly eventKind: string
  readonly eventSubject: string
  readonly eventAt: Date
}

/** What became of each notification, and another chance for those that were given up. */
@Injectable()
export class NotificationList {
  constructor(
    private readonly database: Database,
    private readonly cursors: Cursors,
  ) {}

  async list({ limit, cursor, state, channel, to, subject }: NotificationDeliveryQuery): Promise<Page<NotificationDelivery>> {
    const found = await rows<NotificationRow>(
      this.database.pool,
      `${SELECT} where ($1::text is null or d.id < $1) and ($2::text is null or d.state = $2) and ($3::text is null or d.channel = $3)
         and ($4::text is null or d.target = $4) and ($5::text is null or e.subject = $5) order by d.id desc limit $6`,
      [this.cursors.read(NOTIFICATIONS, cursor) ?? null, state ?? null, channel ?? null, to ?? null, subject ?? null, limit + 1],
    )
    return this.cursors.page(NOTIFICATIONS, found, limit, (one) => one.id, viewOf)
  }

  async retry(caller: Caller, notificationId: string): Promise<NotificationDelivery> {
    return this.database.transaction(async (tx) => {
      const before = await row<{ state: string; channel: 'email' | 'webhook'; target: string }>(
        tx,
        'select state, channel, target from notification_deliveries where id = $1 for update',
        [notificationId],
      )
      if (!before) throw new BrokerError('not_found', `there is no notification ${notificationId}`)
      if (before.state !== 'dead') {
        throw new BrokerError('conflict', `the notification is ${before.state}`, {
          fix: 'only a notification in the state dead can be sent again',
        })
      }
      await rows(
        tx,
        `update notification_deliveries set state = 'waiting', waiting_since = now(), settled_at = null where id = $1`,
        [notificationId],
      )
      await enqueue(tx, [dueNotification({ id: notificationId, ...before })])
      await record(tx, { kind: 'notification.retried', actor: caller.id, subject: notificationId, data: {} })
      return this.get(tx, notificationId)
    })
  }

  private async get(tx: Tx, notificationId: string): Promise<NotificationDelivery> {
    return viewOf((await rows<NotificationRow>(tx, `${SELECT} where d.id = $1`, [notificationId]))[0]!)
  }
}

function viewOf(notification: NotificationRow): NotificationDelivery {
  const { id, channel, state, attempts, lastError, createdAt, settledAt, nextAttemptAt } = notification
  return {
    id,
    event: {
      id: notification.eventId,
      kind: notification.eventKind,
      subject: notification.eventSubject,
      at: notification.eventAt.toISOString(),
    },
    channel,
    to: { id: notification.target, name: notification.targetName },
    state,
    attempts,
    lastError,
    nextAttemptAt: state === 'waiting' ? (nextAttemptAt?.toISOString() ?? null) : null,
    createdAt: createdAt.toISOString(),
    settledAt: settledAt?.toISOString() ?? null,
  }
}
