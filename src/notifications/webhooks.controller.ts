import { Body, Controller, Delete, Get, Header, HttpCode, Param, Patch, Post, Query } from '@nestjs/common'
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { id } from '../contract/id.ts'
import {
  type NewWebhook,
  newWebhook,
  type SecretRotation,
  secretRotation,
  type WebhookChange,
  type WebhookQuery,
  webhook,
  webhookChange,
  webhookPage,
  webhookQuery,
  webhookTrial,
  webhookWithSecret,
} from '../contract/notifications.ts'
import { type Caller, CurrentCaller } from '../identity/callers/caller.ts'
import { Access } from '../platform/http/allowed-for.ts'
import { Webhooks } from './webhooks.service.ts'

const TRIAL_MS = 15_000

@ApiTags('notifications')
@Controller('api/webhooks')
@Access({ scope: 'manage', roles: ['admin'] })
export class WebhooksController {
  constructor(private readonly webhooks: Webhooks) {}

  @Get()
  @Access({ scope: 'read', roles: ['admin'] })
  @ApiOkResponse({ standardSchema: webhookPage })
  list(@Query({ schema: webhookQuery }) query: WebhookQuery) {
    return this.webhooks.list(query)
  }

  @Get(':id')
  @Access({ scope: 'read', roles: ['admin'] })
  @ApiOkResponse({ standardSchema: webhook })
  get(@Param('id', { schema: id('whk') }) webhookId: string) {
    return this.webhooks.get(webhookId)
  }

  @Post()
  @Header('cache-control', 'no-store')
  @ApiCreatedResponse({ standardSchema: webhookWithSecret })
  create(@CurrentCaller() caller: Caller, @Body({ schema: newWebhook }) body: NewWebhook) {
    return this.webhooks.create(caller, body)
  }

  @Patch(':id')
  @ApiOkResponse({ standardSchema: webhook })
  change(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: id('whk') }) webhookId: string,
    @Body({ schema: webhookChange }) body: WebhookChange,
  ) {
    return this.webhooks.change(caller, webhookId, body)
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiNoContentResponse()
  remove(@CurrentCaller() caller: Caller, @Param('id', { schema: id('whk') }) webhookId: string) {
    return this.webhooks.remove(caller, webhookId)
  }

  @Post(':id/rotate')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiOkResponse({ standardSchema: webhookWithSecret })
  rotate(
    @CurrentCaller() caller: Caller,
    @Param('id', { schema: id('whk') }) webhookId: string,
    @Body({ schema: secretRotation }) body: SecretRotation,
  ) {
    return this.webhooks.rotate(caller, webhookId, body)
  }

  @Post(':id/test')
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: webhookTrial })
  tryOut(@Param('id', { schema: id('whk') }) webhookId: string) {
    return this.webhooks.tryOut(webhookId, AbortSignal.timeout(TRIAL_MS))
  }
}
