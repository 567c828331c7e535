import { describe, expect, it, vi } from 'vitest'
import { brokenPromises, PROMISED } from '../conformance/promised.ts'
import { BAD_ACCESS } from './bad-access.ts'
import { BAD_BOUNDS } from './bad-bounds.ts'
import { BAD_CERTIFICATES } from './bad-certificates.ts'
import { BAD_ENDS } from './bad-ends.ts'
import { BAD_MARKS } from './bad-marks.ts'
import { BAD_FAILURES, BAD_MEMORY } from './bad-memory.ts'
import { access, giving, good, inTwoSteps } from './bad-plugin.ts'
import { BAD_TRACES } from './bad-traces.ts'
import { BAD_WORDS } from './bad-words.ts'
import { badgesWorld } from './badges-world.ts'

const BAD = [
  ...BAD_WORDS,
  ...BAD_ACCESS,
  ...BAD_BOUNDS,
  ...BAD_MARKS,
  ...BAD_CERTIFICATES,
  ...BAD_ENDS,
  ...BAD_TRACES,
  ...BAD_MEMORY,
  ...BAD_FAILURES,
]

describe('the suite for plugins', () => {
  it('finds nothing wrong with a good plugin, whatever of the parts it has', async () => {
    expect(await brokenPromises(() => badgesWorld())).toEqual([])
    expect(await brokenPromises(() => badgesWorld(good))).toEqual([])
    expect(await brokenPromises(() => badgesWorld(inTwoSteps))).toEqual([])
  })

  it('finds nothing wrong with a good plugin on a machine so busy that a short grant ends before it is opened', async () => {
    let isBusy = true
    const slow = giving({
      async open(ctx, ...rest) {
        if (isBusy) await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(ctx.until!.getTime()), { timeout: 60_000 })
        isBusy = false
        return access.open(ctx, ...rest)
      },
    })
    const among = PROMISED.filter(
      ({ says }) => says === 'lets nobody in after the end, where it says that the target guarantees it',
    )
    expect(among.length).toBe(1)
    expect(await brokenPromises(() => badgesWorld(slow), among)).toEqual([])
  })

  it.each(BAD)('notices one that %s', async (_what, bad, promise) => {
    const among = PROMISED.filter(({ says }) => says === promise)
    expect(await brokenPromises(() => badgesWorld(bad), among)).toEqual([promise])
  })

  it('has a bad plugin for every promise', () => {
    const broken = new Set(BAD.map(([, , promise]) => promise))
    expect(PROMISED.map(({ says }) => says).filter((says) => !broken.has(says))).toEqual([])
  })
})
