import { Injectable } from '@nestjs/common'

/** What a receiver is asked after a run, before the former value counts as replaced. */
export interface Question {
  /** the same each time it is asked */
  readonly id: string
  readonly rotation: { readonly id: string; readonly name: string }
  readonly runId: string
  readonly integrationId: string
  readonly action: string
}

/** Who says whether a new value works. Told about by a room above. */
export interface Tester {
  /** Throws what stands in the way of asking this receiver. */
  mustBeReady(receiver: string): Promise<void>
  /** Throws unless the receiver says that it works. */
  ask(receiver: string, question: Question, signal: AbortSignal): Promise<void>
}

/** Asks receivers whether what was rotated works. */
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
