import { Injectable } from '@nestjs/common'

/** What a webhook’s receiver is asked after a run, before the old value counts as retired. */
export interface Question {
  /** the same each time it is asked */
  readonly id: string
  readonly rotation: { readonly id: string; readonly name: string }
  readonly runId: string
  readonly integrationId: string
  readonly action: string
}

/** Asks a webhook’s receiver whether a new value works: `RotationWebhookTester` in the room notifications, which stands above this one. */
export interface Tester {
  /** Throws what stands in the way of asking this receiver. */
  mustBeReady(receiver: string): Promise<void>
  /** Throws unless the receiver says that it works. */
  ask(receiver: string, question: Question, signal: AbortSignal): Promise<void>
}

/** Where that room leaves its tester. */
@Injectable()
export class RotationTests {
  private tester: Tester | undefined

  register(tester: Tester): void {
    this.tester = tester
  }

  get now(): Tester {
    if (!this.tester) throw new TypeError('nobody asks receivers')
    return this.tester
  }
}
