import { type ErrorCode, isBrokerError } from '../sdk/index.ts'

const GONE: readonly ErrorCode[] = ['target.unreachable', 'target.timeout', 'target.tls', 'target.unready']
/** What 0.1.0 called `target.unready`, as rows of that time still do. */
const ONCE_UNREADY = ['target.sealed', 'target.standby', 'target.uninitialized']

const OUTAGES: readonly ErrorCode[] = [...GONE, 'target.busy', 'target.login_failed', 'target.redirected']

/** Whether this may mean that there is no such target any more: nobody who could end anything there answers. `code` may be a stored one. */
export function mayBeGone(code: string): boolean {
  return [...GONE, ...ONCE_UNREADY].includes(code)
}

/** Whether the error says that the target as a whole is away, so that trying its next grant is no use now. */
export function isOutage(error: unknown): boolean {
  return isBrokerError(error, ...OUTAGES)
}

const SHORTEST_MS = 200
const LONGEST_MS = 3_000

/** How long each shard is left alone: growing while its target is away, never so long that its return goes unnoticed for seconds. */
export class ShardPauses {
  private readonly pauses = new Map<string, number>()

  current(shard: string): number {
    return this.pauses.get(shard) ?? SHORTEST_MS
  }

  longer(shard: string): number {
    const pause = Math.min(LONGEST_MS, this.current(shard) * 2)
    this.pauses.set(shard, pause)
    return pause * (0.75 + Math.random() / 4)
  }

  over(shard: string): void {
    this.pauses.delete(shard)
  }
}
