import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common'
import type { Part } from '../audit/kinds/kind.ts'
import type { Config } from '../config/config.ts'
import { each } from '../platform/due/due-lane.ts'
import { DueWork, enqueue } from '../platform/due/due-work.ts'
import { newId } from '../platform/ids.ts'
import { CONFIG } from '../platform/platform.module.ts'
import { Database, row, rows, type Tx } from '../platform/postgres/database.ts'
import { Audiences } from './audiences.ts'
import { type ChainEvent, readChain } from './chain-event.ts'
import { readFacts } from './facts.ts'
import { partsOf, wants } from './recipients.ts'

export const NOTIFY_WORK = {
  dispatch: 'notification.dispatch',
  email: 'notification.email',
  webhook: 'notification.webhook',
} as const

const EVENTS_AT_ONCE = 200
const LOOK_AGAIN_MS = 1_000

interface Planned {
  readonly eventId: string
  readonly kind: Part | 'event'
  readonly channel: 'email' | 'webhook'
  readonly target: string
}

/**
 * Reads the audit chain as an outbox: every transition is there since its own commit. Who is told, and how far the chain was read, is
 * one commit as well, so that a crash leaves neither a gap nor a second notification.
 */
@Injectable()
export class Dispatcher implements OnModuleInit, OnApplicationBootstrap {
  constructor(
    private readonly database: Database,
    private readonly work: DueWork,
    private readonly audiences: Audiences,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  onModuleInit(): void {
    this.work.handle('notify', NOTIFY_WORK.dispatch, (batch) => each(batch, () => this.dispatch()))
  }

  /** One row for all replicas, which never ends: its holder looks at the chain. */
  async onApplicationBootstrap(): Promise<void> {
    await enqueue(this.database.pool, [{ lane: 'notify', kind: NOTIFY_WORK.dispatch, subject: 'chain', shard: 'chain' }])
  }

  /** Answers how long to wait before looking again. */
  private async dispatch(): Promise<number> {
    const read = await this.database.transaction(async (tx) => {
      // A process that was paused with the row in hand is no danger: there is one cursor, and it is locked.
      const cursor = await row<{ seq: string }>(tx, 'select seq from notification_cursor for update skip locked')
      const events = cursor ? await readChain(tx, cursor.seq, EVENTS_AT_ONCE) : []
      const last = events.at(-1)
      if (!last) return 0
      await this.put(tx, [...(await this.emails(tx, events)), ...(await this.webhooks(tx, events))])
      await rows(tx, 'update notification_cursor set seq = $1', [last.seq])
      return events.length
    })
    return read === EVENTS_AT_ONCE ? 0 : LOOK_AGAIN_MS
  }

  private async emails(tx: Tx, events: readonly ChainEvent[]): Promise<Planned[]> {
    if (!this.config.smtp) return []
    const telling = events.filter((event) => partsOf(event.kind).length > 0)
    const facts = await readFacts(
      tx,
      telling.map((event) => event.subject),
    )
    const planned: Planned[] = []
    for (const event of telling) {
      const told = await this.audiences.of(tx, event, facts.get(event.subject))
      for (const [target, kind] of told) planned.push({ eventId: event.id, kind, channel: 'email', target })
    }
    return this.reachable(tx, planned)
  }

  /** A person who has left, or has no address, is not written to. */
  private async reachable(tx: Tx, planned: readonly Planned[]): Promise<Planned[]> {
    const found = await rows<{ id: string }>(
      tx,
      `select id from users where id = any($1) and state = 'active' and email is not null`,
      [planned.map(({ target }) => target)],
    )
    const ids = new Set(found.map(({ id }) => id))
    return planned.filter(({ target }) => ids.has(target))
  }

  private async webhooks(tx: Tx, events: readonly ChainEvent[]): Promise<Planned[]> {
    const hooks = await rows<{ id: string; events: string[] }>(tx, 'select id, events from webhooks where active')
    return hooks.flatMap((hook) =>
      events
        .filter((event) => wants(hook.events, event.kind))
        .map((event) => ({ eventId: event.id, kind: 'event', channel: 'webhook', target: hook.id }) as const),
    )
  }

  private async put(tx: Tx, planned: readonly Planned[]): Promise<void> {
    if (planned.length === 0) return
    const put = await rows<{ id: string; channel: Planned['channel']; target: string }>(
      tx,
      `insert into notification_deliveries (id, event_id, kind, channel, target)
       select p.id, p."eventId", p.kind, p.channel, p.target
       from jsonb_to_recordset($1::jsonb) as p (id text, "eventId" text, kind text, channel text, target text)
       on conflict on constraint notification_deliveries_once do nothing returning id, channel, target`,
      [JSON.stringify(planned.map((one) => ({ ...one, id: newId('ntf') })))],
    )
    await enqueue(tx, put.map(dueNotification))
  }
}

/** A slow receiver keeps back no other, nor does the mail server. */
export function dueNotification({ id, channel, target }: { id: string; channel: Planned['channel']; target: string }) {
  const shard = channel === 'email' ? 'email' : target
  return { lane: 'notify', kind: NOTIFY_WORK[channel], subject: id, shard } as const
}
