import { BrokerError } from '../../sdk/index.ts'

/** Room for a few of something that is costly: who comes when it is full is told to come again, instead of slowing everybody down. */
export class Places {
  private taken = 0

  constructor(
    private readonly many: number,
    private readonly what: string,
    private readonly retryAfterMs: number,
  ) {}

  /** Takes a place; the answer gives it back. */
  take(): () => void {
    if (this.taken >= this.many) {
      throw new BrokerError('rate.limited', `${this.what}, and only ${this.many === 1 ? 'one' : this.many} may run at a time`, {
        retryAfterMs: this.retryAfterMs,
        fix: 'try again later',
      })
    }
    this.taken += 1
    let isBack = false
    return () => {
      if (!isBack) this.taken -= 1
      isBack = true
    }
  }
}
