import { BrokerError } from '../../sdk/index.ts'

export interface TurnLimits {
  /** of everybody together */
  readonly atOnce: number
  /** of one person: one is done, so many wait */
  readonly waiting: number
}

/** Shares out what is costly: each person one at a time, all together so many, and nobody keeps a long queue. */
export class Turns {
  private readonly queues = new Map<string, (() => void)[]>()
  private readonly limits: TurnLimits
  private readonly ready: (() => void)[] = []
  private running = 0

  constructor(limits: TurnLimits) {
    this.limits = limits
  }

  async take<T>(person: string, work: () => Promise<T>): Promise<T> {
    await this.ownTurn(person)
    try {
      await this.place()
      try {
        return await work()
      } finally {
        this.running -= 1
        this.ready.shift()?.()
      }
    } finally {
      this.next(person)
    }
  }

  private async ownTurn(person: string): Promise<void> {
    const queue = this.queues.get(person)
    if (!queue) {
      this.queues.set(person, [])
      return
    }
    if (queue.length >= this.limits.waiting) {
      throw new BrokerError('rate.limited', `${this.limits.waiting + 1} of your searches are already running`, {
        fix: 'wait until they have answered',
      })
    }
    await new Promise<void>((resolve) => queue.push(resolve))
  }

  private async place(): Promise<void> {
    while (this.running >= this.limits.atOnce) await new Promise<void>((resolve) => this.ready.push(resolve))
    this.running += 1
  }

  private next(person: string): void {
    const following = this.queues.get(person)?.shift()
    if (following) following()
    else this.queues.delete(person)
  }
}
