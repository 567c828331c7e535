/** A terminal tells everybody in it of one ctrl-c, and npm passes it on as well: what comes this soon after the first is the same press. */
const SAME_PRESS_MS = 500

/** Calls `first` at the first SIGTERM, SIGINT or SIGHUP of those given, and `again` at each that is a press of its own. */
export function onStopSignals(
  signals: readonly NodeJS.Signals[],
  { first, again }: { first(signal: NodeJS.Signals): void; again(): void },
): void {
  let pressedAt: number | undefined
  for (const signal of signals) {
    process.on(signal, () => {
      if (pressedAt === undefined) {
        pressedAt = performance.now()
        first(signal)
      } else if (performance.now() - pressedAt > SAME_PRESS_MS) again()
    })
  }
}
