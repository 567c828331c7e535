import type { Logger } from '@nestjs/common'

/** A look around, again and again: one at a time, and what one fails at is left to the next. */
export class Rounds {
  private isUnderWay = false

  /** @param what the rounds are for, as the log says it: “reconciling” */
  constructor(
    private readonly log: Logger,
    private readonly what: string,
  ) {}

  /** Does nothing while the one before is under way. Throws nothing. */
  async make(round: () => Promise<unknown>): Promise<void> {
    if (this.isUnderWay) return
    this.isUnderWay = true
    try {
      await round()
    } catch (error) {
      this.log.warn({ error }, `${this.what} will be tried again`)
    } finally {
      this.isUnderWay = false
    }
  }
}
