import { setTimeout as sleep } from 'node:timers/promises'

export interface Arrivals {
  /** in a second */
  readonly rate: number
  readonly seconds: number
  /** of these, the first ones are not counted */
  readonly warmUpSeconds: number
}

/**
 * Starts one after another at a constant rate, whether or not those before are done, so that a stall counts against everybody who
 * arrives in it. Answers the milliseconds from each intended start.
 */
export async function openLoop(arrivals: Arrivals, one: (index: number) => Promise<unknown>): Promise<number[]> {
  const { rate, seconds, warmUpSeconds } = arrivals
  const began = performance.now()
  const latencies: number[] = []
  const running: Promise<void>[] = []
  for (let index = 0; index < rate * seconds; index += 1) {
    const intended = began + (index * 1000) / rate
    const early = intended - performance.now()
    if (early > 0) await sleep(early)
    const arrival = one(index).then(() => {
      if (index >= rate * warmUpSeconds) latencies.push(performance.now() - intended)
    })
    arrival.catch(() => {}) // told below, when everybody has arrived
    running.push(arrival)
  }
  await Promise.all(running)
  return latencies
}
