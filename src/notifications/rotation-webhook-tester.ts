import { Injectable, type OnModuleInit } from '@nestjs/common'
import { type Question, RotationTests, type Tester } from '../rotation/webhook-tester.ts'
import { WebhookSender } from './webhook-sender.ts'

/** Asks a webhook’s receiver whether the new value works, before a rotation retires the old one; signed as every message to it is. */
@Injectable()
export class RotationWebhookTester implements OnModuleInit, Tester {
  constructor(
    private readonly tests: RotationTests,
    private readonly sender: WebhookSender,
  ) {}

  onModuleInit(): void {
    this.tests.register(this)
  }

  async mustBeReady(receiver: string): Promise<void> {
    await this.sender.receiver(receiver)
  }

  async ask(receiver: string, { id, ...data }: Question, signal: AbortSignal): Promise<void> {
    await this.sender.ask(receiver, id, { type: 'rotation.test', data }, signal)
  }
}
