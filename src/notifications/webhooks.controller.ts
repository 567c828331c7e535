import { Body, Controller, Header, Param, Query } from '@nestjs/common'
import { webhooks } from '../contract/endpoints/notifications.ts'
import type { NewWebhook, SecretRotation, WebhookChange, WebhookQuery } from '../contract/notifications.ts'
import { type Caller, CurrentCaller } from '../identity/callers/caller.ts'
import { Endpoint } from '../platform/http/endpoint.ts'
import { Webhooks } from './webhooks.service.ts'

const TRIAL_MS = 15_000

@Controller()
export class WebhooksController {
  constructor(private readonly webhooks: Webhooks) {}

  @Endpoint(webhooks.list)
  list(@Query({ schema: webhooks.list.query }) query: WebhookQuery) {
    return this.webhooks.list(query)
  }

  @Endpoint(webhooks.get)
  get(@Param('id', { schema: webhooks.get.params.id }) webhookId: string) {
    return this.webhooks.get(webhookId)
  }

  @Endpoint(webhooks.create)
  @Header('cache-control', 'no-store')
  create(@CurrentCaller() caller: Caller, @Body({ schema: webhooks.create.body }) body: NewWebhook) {
    return this.webhooks.create(caller, body)
  }

  @Endpoint(webhooks.change)
  change(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: webhooks.change.params.id }) webhookId: string,
    @Body({ schema: webhooks.change.body }) body: WebhookChange,
  ) {
    return this.webhooks.change(caller, webhookId, body)
  }

  @Endpoint(webhooks.remove)
  remove(@CurrentCaller() caller: Caller, @Param('id', { schema: webhooks.remove.params.id }) webhookId: string) {
    return this.webhooks.remove(caller, webhookId)
  }

  @Endpoint(webhooks.rotate)
  @Header('cache-control', 'no-store')
  rotate(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: webhooks.rotate.params.id }) webhookId: string,
    @Body({ schema: webhooks.rotate.body }) body: SecretRotation,
  ) {
    return this.webhooks.rotate(caller, webhookId, body)
  }

  @Endpoint(webhooks.tryOut)
  tryOut(@Param('id', { schema: webhooks.tryOut.params.id }) webhookId: string) {
    return this.webhooks.tryOut(webhookId, AbortSignal.timeout(TRIAL_MS))
  }
}
