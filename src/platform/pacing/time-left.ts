/** A time of the database's, and how long it was until then when that was read. What is left goes on by a clock that nobody sets. */
export class TimeLeft {
  readonly at: Date
  readonly #msThen: number
  readonly #readAt: number

  /** @param readAt monotonic, from before the database was asked: too little is harmless, too much is not */
  constructor(at: Date, msThen: number, readAt: number) {
    this.at = at
    this.#msThen = msThen
    this.#readAt = readAt
  }

  ms(): number {
    return this.#msThen - (performance.now() - this.#readAt)
  }
}
