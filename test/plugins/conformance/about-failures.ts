import { expect } from 'vitest'
import { isBrokerError } from '../../../src/sdk/index.ts'
import { walk } from './about-the-target.ts'
import type { Promised } from './promised.ts'
import { extended, refusalOf, soon, Trial } from './world.ts'

/** How a plugin fails, and how it stops: what the broker decides by it is whether it tries again. */
export const aboutFailures: readonly Promised[] = [
  {
    says: 'tells what may pass by itself from what will not',
    async tried(trial) {
      for (const config of trial.world.ill) {
        const blind = await Trial.begin(trial.world, config)
        const passing = [await refusalOf(walk(blind)), await refusalOf(blind.give())].filter((error) => error !== undefined)
        expect(passing.length).toBeGreaterThan(0)
        expect(passing.filter((error) => !isBrokerError(error) || !error.retryable)).toEqual([])
        await blind.end()
      }
      const given = await trial.give()
      await trial.takeBack(given)
      const longer = extended(given, 600)
      const lasting = [await refusalOf(trial.open(given)), await refusalOf(trial.access.extend(longer.ctx, longer.steps))]
      expect(lasting.filter((error) => error !== undefined && !(isBrokerError(error) && !error.retryable))).toEqual([])
      await trial.takeBack(given)
    },
  },
  {
    says: 'stops where it is told to, and ends no walk then as if it were whole',
    async tried({ plugin, client }) {
      const walks = [
        (signal: AbortSignal) => plugin.discover?.(client, [''], signal),
        (signal: AbortSignal) => plugin.marked?.(client, signal),
      ]
      for (const begin of walks) {
        const whole = await broughtUntil(Number.POSITIVE_INFINITY, begin)
        expect(whole.error).toBeUndefined()
        // Before it begins, and when the first of several has come.
        for (const length of [0, 1].filter((each) => each === 0 || each < whole.brought)) {
          const { error, brought } = await broughtUntil(length, begin)
          if (begin(soon())) expect(error, `stopped after ${length}`).toBeDefined()
          expect(brought, `stopped after ${length}`).toBe(length)
        }
      }
    },
  },
]

async function broughtUntil(
  length: number,
  begin: (signal: AbortSignal) => AsyncIterable<unknown> | undefined,
): Promise<{ readonly brought: number; readonly error: unknown }> {
  const stop = new AbortController()
  let brought = 0
  if (length === 0) stop.abort()
  const error = await refusalOf(
    (async () => {
      for await (const _one of begin(stop.signal) ?? []) {
        brought += 1
        if (brought === length) stop.abort()
      }
    })(),
  )
  return { brought, error }
}
