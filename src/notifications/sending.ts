import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common'
import type { Counter } from '@opentelemetry/api'
import { Subjects } from '../approvals/requests/subjects.ts'
import type { Part } from '../audit/kinds/kind.ts'
import type { Config } from '../config/config.ts'
import { each, type Hold, type Outcome, pauseFor, type Work } from '../platform/due/due-lane.ts'
import { DueWork } from '../platform/due/due-work.ts'
import { Retention } from '../platform/due/retention.ts'
import { problemOf } from '../platform/http/problem-of.ts'
import { CONFIG } from '../platform/platform.module.ts'
import { Database, row, rows } from '../platform/postgres/database.ts'
import { Metrics } from '../platform/watching/metrics.ts'
import { BrokerError, isBrokerError } from '../sdk/index.ts'
import { readEvent } from './chain-event.ts'
import { NOTIFY_WORK } from './dispatcher.ts'
import { type Facts, readFacts, readNames, readRun } from './facts.ts'
import { letterFor } from './letter.ts'
import { Mailer } from './mailer.ts'
import { WebhookSender } from './webhook-sender.ts'
import { messageFor } from './words.ts'

const PATIENCE_HOURS = 24
const LONGEST_PAUSE_MS = 600_000
/** how long the other notifications to a receiver that was not reached wait */
const UNREACHED_PAUSE_MS = 2_000

interface Notification {
  readonly id: string
  readonly eventId: string
  readonly kind: string
  readonly channel: 'email' | 'webhook'
  readonly target: string
}

/** Sends what the dispatcher put down, until it arrives or a day has passed. Nothing here waits for a transaction, nor the other way round. */
@Injectable()
export class NotificationSending implements OnModuleInit {
  private readonly log = new Logger(NotificationSending.name)
  private readonly sent: Counter
  private readonly failed: Counter
  private readonly given: Counter

  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly mailer: Mailer,
    private readonly webhooks: WebhookSender,
    private readonly metrics: Metrics,
    @Inject(CONFIG) private readonly config: Config,
    private readonly retention: Retention,
    private readonly subjects: Subjects,
  ) {
    this.sent = metrics.counter('latchkey_notifications_sent_total', 'notifications that arrived, by channel')
    this.failed = metrics.counter('latchkey_notification_attempts_failed_total', 'attempts that failed, by channel')
    this.given = metrics.counter('latchkey_notifications_dead_total', `notifications given up after ${PATIENCE_HOURS} hours`)
  }

  onModuleInit(): void {
    this.retention.rule(
      'notification_deliveries',
      this.config.keepDays.notifications,
      `delete from notification_deliveries where id in (
         select id from notification_deliveries
         where state <> 'waiting' and settled_at < clock_timestamp() - make_interval(days => $1) limit $2) returning 1`,
    )
    for (const kind of [NOTIFY_WORK.email, NOTIFY_WORK.webhook]) {
      this.work.handle('notify', kind, (batch, hold) => each(batch, (work) => this.tell(work, hold)))
    }
    this.metrics.gauge('latchkey_notifications_unsettled', 'notifications that wait or are dead, by channel', async () =>
      (
        await rows<{ state: string; channel: string; count: string }>(
          this.database.pool,
          `select state, channel, count(*) from notification_deliveries where state <> 'sent' group by state, channel`,
        )
      ).map(({ state, channel, count }) => [Number(count), { state, channel }] as const),
    )
    this.metrics.gauge(
      'latchkey_notification_backlog_events',
      'events of the audit chain nobody has been told of yet',
      async () => {
        const lag = await row<{ events: string }>(
          this.database.pool,
          'select h.seq - c.seq as events from audit_head h, notification_cursor c',
        )
        return [[Number(lag?.events ?? 0)] as const]
      },
    )
  }

  private async tell(work: Work, hold: Hold): Promise<Outcome> {
    const notification = await row<Notification>(
      this.database.pool,
      `select id, event_id as "eventId", kind, channel, target from notification_deliveries where id = $1 and state = 'waiting'`,
      [work.subject],
    )
    if (!notification) return 'done'
    try {
      await this.send(notification, hold.signal)
    } catch (error) {
      if (hold.signal.aborted) return 0
      if (isBrokerError(error, 'target.unreachable', 'target.timeout')) hold.pauseShard(UNREACHED_PAUSE_MS)
      return this.retryLater(notification, error, work.attempts)
    }
    // A crash right here sends it once more, with the same id.
    await rows(
      this.database.pool,
      `update notification_deliveries set state = 'sent', attempts = attempts + 1, last_error = null, settled_at = now() where id = $1`,
      [notification.id],
    )
    this.sent.add(1, { channel: notification.channel })
    return 'done'
  }

  private async send(notification: Notification, signal: AbortSignal): Promise<void> {
    const event = await readEvent(this.database.pool, notification.eventId)
    if (!event) throw new BrokerError('not_found', `the audit trail has no ${notification.eventId}`)
    const facts = (await readFacts(this.database.pool, [event.subject])).get(event.subject)
    const names = await readNames(this.database.pool, [event.actor])
    if (notification.channel === 'webhook') {
      await this.webhooks.send(notification.target, notification.id, { event, facts, names }, signal)
      return
    }
    const person = await row<{ name: string; address: string | null }>(
      this.database.pool,
      `select name, email as address from users where id = $1 and state = 'active'`,
      [notification.target],
    )
    if (!person?.address) throw new BrokerError('not_found', 'the person is no longer active, or has no address any more')
    const run = await readRun(this.database.pool, event.subject)
    const message = messageFor(event, notification.kind as Part, facts && this.told(facts), names, run)
    const letter = letterFor(message, this.config.publicUrl)
    const to = { name: person.name, address: person.address }
    await this.mailer.post({ id: notification.id, thread: facts?.requestId ?? event.subject, to, letter })
  }

  private told(facts: Facts): Facts & { asked: string } {
    return { ...facts, asked: this.subjects.of(facts).inWords(facts, facts.resources) }
  }

  private async retryLater({ id, channel }: Notification, error: unknown, attempts: number): Promise<Outcome> {
    const { message } = problemOf(error)
    if (!isBrokerError(error)) this.log.error({ error, notification: id }, 'a notification could not be sent')
    this.failed.add(1, { channel })
    const after = await row<{ state: string }>(
      this.database.pool,
      `update notification_deliveries set attempts = attempts + 1, last_error = $2,
         state = case when waiting_since < now() - make_interval(hours => $3) then 'dead' else 'waiting' end,
         settled_at = case when waiting_since < now() - make_interval(hours => $3) then now() end
       where id = $1 and state = 'waiting' returning state`,
      [id, message.slice(0, 500), PATIENCE_HOURS],
    )
    if (after?.state === 'waiting') return pauseFor(attempts, LONGEST_PAUSE_MS)
    if (after) {
      this.given.add(1, { channel })
      this.log.warn({ notification: id, message }, 'gave up a notification')
    }
    return 'done'
  }
}
