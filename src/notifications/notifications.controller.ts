import { Controller, Param, Query } from '@nestjs/common'
import { notifications } from '../contract/endpoints/notifications.ts'
import type { NotificationDeliveryQuery } from '../contract/notifications.ts'
import { type Caller, CurrentCaller } from '../identity/callers/caller.ts'
import { Endpoint } from '../platform/http/endpoint.ts'
import { NotificationList } from './notification-list.ts'

@Controller()
export class NotificationsController {
  constructor(private readonly notifications: NotificationList) {}

  @Endpoint(notifications.list)
  list(@Query({ schema: notifications.list.query }) query: NotificationDeliveryQuery) {
    return this.notifications.list(query)
  }

  @Endpoint(notifications.retry)
  retry(@CurrentCaller() caller: Caller, @Param('id', { schema: notifications.retry.params.id }) notificationId: string) {
    return this.notifications.retry(caller, notificationId)
  }
}
