import { Inject, Injectable } from '@nestjs/common'
import { z } from 'zod'
import { KINDS } from '../audit/kinds.ts'
import { record } from '../audit/record.ts'
import type { Config } from '../config/config.ts'
import { id } from '../contract/id.ts'
import type { Page } from '../contract/lists.ts'
import type {
  NewWebhook,
  SecretRotation,
  WebhookChange,
  WebhookQuery,
  WebhookTrial,
  WebhookView,
  WebhookWithSecret,
} from '../contract/notifications.ts'
import type { Caller } from '../identity/callers/caller.ts'
import { type CursorKind, Cursors } from '../platform/http/cursors.ts'
import { problemOf } from '../platform/http/problem-of.ts'
import { newId } from '../platform/ids.ts'
import { CONFIG } from '../platform/platform.module.ts'
import { Database, row, rows, type Tx } from '../platform/postgres/database.ts'
import { violates } from '../platform/postgres/database-errors.ts'
import { BrokerError, isBrokerError, type Secret } from '../sdk/index.ts'
import { wants } from './recipients.ts'
import { receiverUrl } from './url-guard.ts'
import { WebhookSecrets } from './webhook-secrets.ts'
import { WebhookSender } from './webhook-sender.ts'
import { newWebhookSecret } from './webhook-signature.ts'

const WEBHOOKS: CursorKind<string> = { list: 'webhooks', position: id('whk') as z.ZodType<string> }

const COLUMNS = `id, name, url, events, active, paused_because as "pausedBecause",
  case when before_until > now() then before_until end as "formerSecretUntil", created_at as "createdAt", changed_at as "changedAt"`

type WebhookRow = Omit<WebhookView, 'formerSecretUntil' | 'createdAt' | 'changedAt'> & {
  readonly formerSecretUntil: Date | null
  readonly createdAt: Date
  readonly changedAt: Date
}

/** Who is told by HTTP. A secret is shown when it is made and never again. */
@Injectable()
export class Webhooks {
  constructor(
    private readonly database: Database,
    private readonly cursors: Cursors,
    private readonly secrets: WebhookSecrets,
    private readonly sender: WebhookSender,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  async list({ limit, cursor }: WebhookQuery): Promise<Page<WebhookView>> {
    const found = await rows<WebhookRow>(
      this.database.pool,
      `select ${COLUMNS} from webhooks where $1::text is null or id > $1 order by id limit $2`,
      [this.cursors.read(WEBHOOKS, cursor) ?? null, limit + 1],
    )
    return this.cursors.page(WEBHOOKS, found, limit, (one) => one.id, viewOf)
  }

  async get(webhookId: string, tx: Tx = this.database.pool): Promise<WebhookView> {
    return viewOf((await row<WebhookRow>(tx, `select ${COLUMNS} from webhooks where id = $1`, [webhookId])) ?? missing(webhookId))
  }

  async create(caller: Caller, { name, url, events, active }: NewWebhook): Promise<WebhookWithSecret> {
    const { host } = receiverUrl(url, this.config)
    mustHappen(events)
    const webhookId = newId('whk')
    const secret = newWebhookSecret()
    return this.database.transaction(async (tx) => {
      await rows(
        tx,
        `insert into webhooks (id, name, url, events, active, sealed, created_by, makers, made_with)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        [webhookId, name, url, events, active, this.secrets.seal(webhookId, 'sealed', url, secret), caller.id, ...handOf(caller)],
      ).catch(nameTaken(name))
      await record(tx, { kind: 'webhook.created', actor: caller.id, subject: webhookId, data: { name, host, events, active } })
      return { ...(await this.get(webhookId, tx)), secret: secret.reveal() }
    })
  }

  async change(caller: Caller, webhookId: string, change: WebhookChange): Promise<WebhookView> {
    const host = change.url === undefined ? undefined : receiverUrl(change.url, this.config).host
    const { name, url, events, active } = change
    mustHappen(events)
    return this.database.transaction(async (tx) => {
      if (url !== undefined) await this.secrets.move(tx, webhookId, url)
      const changed = await rows(
        tx,
        `update webhooks set name = coalesce($2, name), url = coalesce($3, url), events = coalesce($4, events),
           active = coalesce($5, active), paused_because = case when $5::boolean is null then paused_because end,
           makers = case when $6 then $7::text[] else makers end, made_with = case when $6 then $8::text else made_with end, changed_at = now()
         where id = $1 returning id`,
        [
          webhookId,
          name ?? null,
          url ?? null,
          events ?? null,
          active ?? null,
          active === true || url !== undefined,
          ...handOf(caller),
        ],
      ).catch(nameTaken(name))
      if (changed.length === 0) missing(webhookId)
      await record(tx, { kind: 'webhook.changed', actor: caller.id, subject: webhookId, data: { name, host, events, active } })
      return this.get(webhookId, tx)
    })
  }

  /** What still waits for it has nowhere to go. */
  async remove(caller: Caller, webhookId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const gone = await row<{ name: string }>(tx, 'delete from webhooks where id = $1 returning name', [webhookId])
      if (!gone) missing(webhookId)
      await rows(
        tx,
        `update notification_deliveries set state = 'dead', last_error = 'the webhook was removed', settled_at = now()
         where channel = 'webhook' and target = $1 and state = 'waiting'`,
        [webhookId],
      )
      await record(tx, { kind: 'webhook.removed', actor: caller.id, subject: webhookId, data: { name: gone?.name } })
    })
  }

  async rotate(caller: Caller, webhookId: string, { overlapSeconds }: SecretRotation): Promise<WebhookWithSecret> {
    const secret = newWebhookSecret()
    return this.database.transaction(async (tx) => {
      const kept =
        (await row<{ sealed: string; url: string }>(tx, 'select sealed, url from webhooks where id = $1 for update', [
          webhookId,
        ])) ?? missing(webhookId)
      const former = this.formerSecret(webhookId, kept)
      await rows(
        tx,
        `update webhooks set sealed = $2, sealed_before = $3, changed_at = now(),
           before_until = case when $3::text is not null then now() + make_interval(secs => $4) end where id = $1`,
        [
          webhookId,
          this.secrets.seal(webhookId, 'sealed', kept.url, secret),
          former && this.secrets.seal(webhookId, 'sealed_before', kept.url, former),
          overlapSeconds,
        ],
      )
      await record(tx, { kind: 'webhook.secret_rotated', actor: caller.id, subject: webhookId, data: { overlapSeconds } })
      return { ...(await this.get(webhookId, tx)), secret: secret.reveal() }
    })
  }

  /** One that does not open any more can only be replaced. */
  private formerSecret(webhookId: string, { url, sealed }: { url: string; sealed: string }): Secret | null {
    try {
      return this.secrets.open(webhookId, 'sealed', url, sealed)
    } catch (error) {
      if (isBrokerError(error, 'unavailable')) return null
      throw error
    }
  }

  async tryOut(webhookId: string, signal: AbortSignal): Promise<WebhookTrial> {
    try {
      return { ok: true, detail: `the receiver answered ${await this.sender.tryOut(webhookId, signal)}` }
    } catch (error) {
      if (!(error instanceof BrokerError) || error.code === 'not_found') throw error
      return { ok: false, detail: problemOf(error).message }
    }
  }
}

function viewOf({ formerSecretUntil, createdAt, changedAt, ...webhook }: WebhookRow): WebhookView {
  return {
    ...webhook,
    formerSecretUntil: formerSecretUntil?.toISOString() ?? null,
    createdAt: createdAt.toISOString(),
    changedAt: changedAt.toISOString(),
  }
}

/** A receiver that waits for what never happens would not know it. */
function mustHappen(events: readonly string[] = []): void {
  const kinds = Object.keys(KINDS)
  const at = events.findIndex((event) => !kinds.some((kind) => wants([event], kind)))
  if (at < 0) return
  const family = kinds.filter((kind) => kind.split('.')[0] === events[at]?.split('.')[0])
  throw new BrokerError('input.invalid', `${events[at]} is not an event`, {
    field: `events.${at}`,
    fix: family.length > 0 ? `the events of this family are ${family.join(', ')}` : 'docs/events.md lists the events',
  })
}

/** Who chooses where it leads, or switches it on, answers for it from then on: they, who made their token, and that token. */
function handOf({ id, tokenMakers, tokenId }: Caller): [string[], string | null] {
  return [[...new Set([id, ...tokenMakers])], tokenId]
}

function missing(webhookId: string): never {
  throw new BrokerError('not_found', `there is no webhook ${webhookId}`)
}

function nameTaken(name: string | undefined) {
  return (error: unknown): never => {
    if (!violates(error, 'webhooks_name_taken')) throw error
    throw new BrokerError('name.taken', `another webhook has the name ${name}`, { cause: error, field: 'name' })
  }
}
