import { afterAll, describe, it } from 'vitest'
import { startBroker } from '../support/broker.ts'
import { FAULTS } from '../support/faults.ts'
import { isRun } from '../support/gate-share.ts'
import { boundaries, FLOWS, play } from '../support/grant-flows.ts'
import { setStage } from '../support/stage.ts'
import { Turns } from '../support/turns.ts'

const STAGES = 3
const ONE_IN = 6
/** What stalls stalls for longer; nothing else takes so long, even where everything is slow. */
const TIMEOUT_SECONDS = 3

describe('a grant survives whatever goes wrong with any one call to the server', () => {
  const stages = new Turns(STAGES, () => setStage(startBroker, { timeoutSeconds: TIMEOUT_SECONDS }))

  afterAll(() => stages.closeAll())

  for (const [flowName, flow] of Object.entries(FLOWS)) {
    for (const boundary of boundaries(flow)) {
      for (const [name, fault] of Object.entries(FAULTS)) {
        if (!isRun('faults', ONE_IN)) continue
        it.concurrent(`${flowName}/${boundary.label} ${name}`, () =>
          stages.take((stage) =>
            play(stage, flow, async (begin) => {
              const struck = stage.proxy.strike(boundary, fault)
              await Promise.allSettled([begin(), struck])
              await struck
            }),
          ))
      }
    }
  }
})
