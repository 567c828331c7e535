import { setTimeout as rest } from 'node:timers/promises'
import { Injectable } from '@nestjs/common'

/** Tells those who wait for a grant that this process has moved it. What another replica does is found by looking. */
@Injectable()
export class GrantNews {
  private readonly waiting = new Map<string, Set<() => void>>()

  /** Call after the commit. */
  tell(ids: Iterable<string>): void {
    for (const id of ids) for (const wake of this.waiting.get(id) ?? []) wake()
  }

  /** Listens from now on. `next` rests until the next news, or as long as it is told to; `stop` ends the listening. */
  of(id: string): { next(ms: number, signal: AbortSignal): Promise<void>; stop(): void } {
    let heard = Promise.withResolvers<void>()
    const wake = () => heard.resolve()
    const all = this.waiting.get(id) ?? new Set()
    this.waiting.set(id, all.add(wake))
    return {
      next: async (ms, signal) => {
        const enough = new AbortController()
        const either = AbortSignal.any([signal, enough.signal])
        await Promise.race([heard.promise, rest(ms, undefined, { signal: either }).catch(() => {})])
        enough.abort()
        heard = Promise.withResolvers<void>()
      },
      stop: () => {
        all.delete(wake)
        if (all.size === 0) this.waiting.delete(id)
      },
    }
  }
}
