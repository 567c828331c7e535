import { afterAll, describe, expect, it } from 'vitest'
import { startDaemon } from '../support/daemon.ts'
import { DEATHS, dieAt } from '../support/deaths.ts'
import { isRun } from '../support/gate-share.ts'
import { boundaries, FLOWS, play } from '../support/grant-flows.ts'
import { setStage } from '../support/stage.ts'
import { Turns } from '../support/turns.ts'

const STAGES = 3
// Between them the two servers are struck at every call and at every moment.
const ONE_IN = 4

describe('a grant survives the death of its daemon at every call to the server', () => {
  const stages = new Turns(STAGES, () => setStage(startDaemon))

  afterAll(() => stages.closeAll())

  for (const [flowName, flow] of Object.entries(FLOWS)) {
    it.concurrent(`${flowName}: makes exactly the calls that are struck here`, () =>
      stages.take(async (stage) => {
        await play(stage, flow, async (begin) => {
          await begin()
          // Some are under way at the same time: which of them comes first is chance.
          expect(stage.proxy.calls.toSorted()).toEqual([...flow.calls].toSorted())
        })
      }))
    for (const boundary of boundaries(flow)) {
      for (const [moment, death] of Object.entries(DEATHS)) {
        if (!isRun('deaths', ONE_IN)) continue
        it.concurrent(`${flowName}/${boundary.label} ${moment}`, () =>
          stages.take(async (stage) => {
            await play(stage, flow, (begin) => dieAt(stage, boundary, death, begin))
          }))
      }
    }
  }
})
