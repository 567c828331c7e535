import { Injectable, type OnModuleDestroy } from '@nestjs/common'
import { BrokerError } from '../../sdk/index.ts'

/** What is under way when the daemon is told to stop may take this long to come to its end. */
export const GRACE_MS = 3_000

/** Tells everything that waits that the daemon stops: no target and no caller may hold it. */
@Injectable()
export class Stopping implements OnModuleDestroy {
  private readonly begun = new AbortController()
  private readonly over = new AbortController()

  /** aborted at once: for who only waits for something to happen */
  get signal(): AbortSignal {
    return this.begun.signal
  }

  /** aborted a moment later: for who is in the middle of something */
  get lastCall(): AbortSignal {
    return this.over.signal
  }

  onModuleDestroy(): void {
    const reason = new BrokerError('unavailable', 'the broker is stopping', {
      fix: 'call again; another replica answers, or this one after its next start',
    })
    this.begun.abort(reason)
    setTimeout(() => this.over.abort(reason), GRACE_MS).unref()
  }
}
