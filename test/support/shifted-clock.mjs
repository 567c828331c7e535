// Loaded before a daemon: its wall clock is wrong by SHIFTED_CLOCK_MS, and everybody else's is right.
const shiftMs = Number(process.env['SHIFTED_CLOCK_MS'])
const Right = Date

globalThis.Date = class Shifted extends Right {
  constructor(...parts) {
    if (parts.length === 0) super(Right.now() + shiftMs)
    else super(...parts)
  }
  static now() {
    return Right.now() + shiftMs
  }
}
