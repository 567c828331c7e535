import { afterAll, describe, it } from 'vitest'
import { startBroker } from '../support/broker.ts'
import { DISTRIBUTION_FLOWS, expectTruth, type ThreeTargets, threeTargets } from '../support/distribution-flows.ts'
import { FAULTS, LIES, MANGLED } from '../support/faults.ts'
import { isRun } from '../support/gate-share.ts'
import { boundaries } from '../support/grant-flows.ts'
import { Turns } from '../support/turns.ts'

const STAGES = 2
const ONE_IN = 7
/** What stalls stalls for longer; nothing else takes so long, even where everything is slow. */
const TIMEOUT_SECONDS = 3

describe('a distribution to three targets survives whatever goes wrong with any one call to the second', () => {
  const stages = new Turns<ThreeTargets>(STAGES, () => threeTargets(startBroker, { timeoutSeconds: TIMEOUT_SECONDS }))

  afterAll(() => stages.closeAll())

  for (const [name, flow] of Object.entries(DISTRIBUTION_FLOWS)) {
    for (const boundary of boundaries(flow)) {
      for (const [what, fault] of Object.entries({ ...FAULTS, ...MANGLED, ...LIES })) {
        if (!isRun('faults of distributions', ONE_IN)) continue
        it.concurrent(`${name}/${boundary.label} ${what}`, () =>
          stages.take(async (stage) => {
            const before = await flow.prepare(stage)
            stage.proxy.begin()
            const struck = stage.proxy.strike(boundary, fault)
            await Promise.allSettled([flow.begin(stage, before), struck])
            await struck
            await (what in LIES ? expectTruth(stage, before) : flow.settle(stage, before))
          }))
      }
    }
  }
})
