import { Controller, Param, Query } from '@nestjs/common'
import { deliveries } from '../contract/endpoints/notifications.ts'
import type { NotificationDeliveryQuery } from '../contract/notifications.ts'
import { type Caller, CurrentCaller } from '../identity/callers/caller.ts'
import { Endpoint } from '../platform/http/endpoint.ts'
import { DeliveryList } from './delivery-list.ts'

@Controller()
export class DeliveriesController {
  constructor(private readonly deliveries: DeliveryList) {}

  @Endpoint(deliveries.list)
  list(@Query({ schema: deliveries.list.query }) query: NotificationDeliveryQuery) {
    return this.deliveries.list(query)
  }

  @Endpoint(deliveries.retry)
  retry(@CurrentCaller() caller: Caller, @Param('id', { schema: deliveries.retry.params.id }) deliveryId: string) {
    return this.deliveries.retry(caller, deliveryId)
  }
}
