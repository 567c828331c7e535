import { setTimeout as sleep } from 'node:timers/promises'
import { BrokerError } from '../../src/sdk/errors.ts'

/** What an answer is that means not yet: an API says `null` of what is still to come. */
type NotYet = undefined | null | false

/** Asks until the answer is there, tightly at first. */
export async function waitFor<T>(what: string, probe: () => Promise<T | NotYet>, withinMs = 60_000): Promise<T> {
  const began = performance.now()
  for (;;) {
    const answer = await probe()
    if (answer !== undefined && answer !== null && answer !== false) return answer
    const waitedMs = performance.now() - began
    if (waitedMs > withinMs) throw new BrokerError('unavailable', `waited ${withinMs / 1000} s for ${what} in vain`)
    await sleep(waitedMs < 2000 ? 5 : 50)
  }
}
