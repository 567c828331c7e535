import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common'
import { ApiOkResponse, ApiTags } from '@nestjs/swagger'
import { id } from '../contract/id.ts'
import {
  type NotificationDeliveryQuery,
  notificationDelivery,
  notificationDeliveryPage,
  notificationDeliveryQuery,
} from '../contract/notifications.ts'
import { type Caller, CurrentCaller } from '../identity/callers/caller.ts'
import { Access } from '../platform/http/allowed-for.ts'
import { DeliveryList } from './delivery-list.ts'

@ApiTags('notifications')
@Controller('api/notifications/deliveries')
@Access({ scope: 'manage', roles: ['admin'] })
export class DeliveriesController {
  constructor(private readonly deliveries: DeliveryList) {}

  @Get()
  @Access({ scope: 'read', roles: ['admin'] })
  @ApiOkResponse({ standardSchema: notificationDeliveryPage })
  list(@Query({ schema: notificationDeliveryQuery }) query: NotificationDeliveryQuery) {
    return this.deliveries.list(query)
  }

  @Post(':id/retry')
  @HttpCode(200)
  @ApiOkResponse({ standardSchema: notificationDelivery })
  retry(@CurrentCaller() caller: Caller, @Param('id', { schema: id('ntf') }) deliveryId: string) {
    return this.deliveries.retry(caller, deliveryId)
  }
}
