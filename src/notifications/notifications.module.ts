import { Module } from '@nestjs/common'
import { ApprovalsModule } from '../approvals/approvals.module.ts'
import { RotationModule } from '../rotation/rotation.module.ts'
import { Audiences } from './audiences.ts'
import { Dispatcher } from './dispatcher.ts'
import { Mailer } from './mailer.ts'
import { NotificationList } from './notification-list.ts'
import { NotificationsController } from './notifications.controller.ts'
import { RotationWebhookTester } from './rotation-webhook-tester.ts'
import { NotificationSending } from './sending.ts'
import { WebhookMakers } from './webhook-makers.ts'
import { WebhookSecrets } from './webhook-secrets.ts'
import { WebhookSender } from './webhook-sender.ts'
import { WebhooksController } from './webhooks.controller.ts'
import { Webhooks } from './webhooks.service.ts'

/** Tells people and programs what happened, from the audit chain. Nothing below knows of it. */
@Module({
  imports: [ApprovalsModule, RotationModule],
  controllers: [WebhooksController, NotificationsController],
  providers: [
    Audiences,
    Dispatcher,
    NotificationSending,
    NotificationList,
    Mailer,
    WebhookMakers,
    WebhookSecrets,
    WebhookSender,
    Webhooks,
    RotationWebhookTester,
  ],
})
export class NotificationsModule {}
