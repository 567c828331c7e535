import { Inject, Injectable } from '@nestjs/common'
import type { Config } from '../config/config.ts'
import { newId } from '../platform/ids.ts'
import { CONFIG } from '../platform/platform.module.ts'
import { Database, row } from '../platform/postgres/database.ts'
import { BrokerError, type Secret } from '../sdk/index.ts'
import type { ChainEvent } from './chain-event.ts'
import type { Facts } from './facts.ts'
import { postWebhook } from './post-webhook.ts'
import { LEFT_ALONE } from './webhook-makers.ts'
import { WebhookSecrets } from './webhook-secrets.ts'

export interface News {
  readonly event: ChainEvent
  readonly facts: Facts | undefined
  readonly names: ReadonlyMap<string, string>
}

export interface Receiver {
  readonly url: string
  readonly active: boolean
  /** why nothing is told through it, whatever it says itself */
  readonly leftAlone: string | null
  readonly sealed: string
  readonly sealedBefore: string | null
  /** seconds since 1970, by the database */
  readonly now: number
}

/** Tells a receiver, signed with its secret. */
@Injectable()
export class WebhookSender {
  constructor(
    private readonly database: Database,
    private readonly secrets: WebhookSecrets,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async send(id: string, notificationId: string, news: News, signal: AbortSignal): Promise<void> {
    const receiver = await this.receiver(id)
    const { event } = news
    await this.post(
      id,
      receiver,
      notificationId,
      { type: event.kind, timestamp: event.at.toISOString(), data: this.dataOf(news) },
      signal,
    )
  }

  /** The same message each time it is asked. Throws unless the receiver answers that it is content. */
  async ask(id: string, messageId: string, { type, data }: { type: string; data: object }, signal: AbortSignal): Promise<void> {
    const receiver = await this.receiver(id)
    const timestamp = new Date(receiver.now * 1000).toISOString()
    await this.post(id, receiver, messageId, { type, timestamp, data }, signal)
  }

  /** One that may be told something now. */
  async receiver(id: string): Promise<Receiver> {
    const receiver = await this.read(id)
    if (!receiver) throw new BrokerError('not_found', 'the webhook was removed')
    if (receiver.leftAlone) throw new BrokerError('conflict', `the webhook is paused: ${receiver.leftAlone}`)
    if (!receiver.active) throw new BrokerError('conflict', 'the webhook is switched off')
    return receiver
  }

  /** A message of no consequence; answers the receiver's status. */
  async tryOut(id: string, signal: AbortSignal): Promise<number> {
    const receiver = await this.read(id)
    if (!receiver) throw new BrokerError('not_found', `there is no webhook ${id}`)
    const timestamp = new Date(receiver.now * 1000).toISOString()
    return this.post(id, receiver, newId('ntf'), { type: 'webhook.test', timestamp, data: { webhook: id } }, signal)
  }

  private post(id: string, receiver: Receiver, notificationId: string, content: object, signal: AbortSignal): Promise<number> {
    const { url, now } = receiver
    const message = { id: notificationId, timestamp: now, body: JSON.stringify(content) }
    return postWebhook({ url, message, secrets: this.secretsOf(id, receiver), signal, development: this.config.development })
  }

  private secretsOf(id: string, { url, sealed, sealedBefore }: Receiver): Secret[] {
    const secrets = [this.secrets.open(id, 'sealed', url, sealed)]
    if (sealedBefore) secrets.push(this.secrets.open(id, 'sealed_before', url, sealedBefore))
    return secrets
  }

  private read(id: string): Promise<Receiver | undefined> {
    return row<Receiver>(
      this.database.pool,
      `select url, active, ${LEFT_ALONE} as "leftAlone", sealed, case when before_until > now() then sealed_before end as "sealedBefore",
         floor(extract(epoch from clock_timestamp()))::int as now from webhooks w where id = $1`,
      [id],
    )
  }

  private dataOf({ event, facts, names }: News): object {
    const { trace: _, ...details } = event.data // where the target keeps a credential is nobody's business outside
    const actor = { id: event.actor, name: names.get(event.actor) ?? null }
    const request = facts && {
      id: facts.requestId,
      kind: facts.kind,
      grantId: facts.grantId,
      requester: facts.requester,
      flow: facts.flow,
      integration: facts.integration,
      resources: facts.resources,
      seconds: facts.seconds,
      expiresAt: facts.expiresAt,
      url: this.config.publicUrl && `${this.config.publicUrl}/requests/${facts.requestId}`,
    }
    return { event: event.id, subject: event.subject, actor, details, request }
  }
}
