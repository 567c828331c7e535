import { afterAll, describe, expect, it } from 'vitest'
import { startDaemon } from '../support/daemon.ts'
import type { CallUnderWay } from '../support/fault-proxy.ts'
import { isRun } from '../support/gate-share.ts'
import { boundaries, FLOWS, play } from '../support/grant-flows.ts'
import { setStage, untilIdle } from '../support/stage.ts'
import { Turns } from '../support/turns.ts'

const STAGES = 3
// Between them the two servers are struck at every call and at every moment.
const ONE_IN = 2

/** When the daemon dies, seen from one call to the server. */
const DEATHS = {
  before: async (call, die) => {
    die()
    call.drop()
  },
  'after-apply': async (call, die) => {
    await call.forward()
    die()
    call.drop()
  },
  'after-reply': async (call, die) => {
    await call.reply(await call.forward())
    die()
  },
} satisfies Record<string, (call: CallUnderWay, die: () => void) => Promise<void>>

describe('a grant survives the death of its daemon at every call to the server', () => {
  const stages = new Turns(STAGES, () => setStage(startDaemon))

  afterAll(() => stages.closeAll())

  for (const [flowName, flow] of Object.entries(FLOWS)) {
    it.concurrent(`${flowName}: makes exactly the calls that are struck here`, { timeout: 90_000 }, () =>
      stages.take(async (stage) => {
        await play(stage, flow, async (begin) => {
          await begin()
          // Some are under way at the same time: which of them comes first is chance.
          expect(stage.proxy.calls.toSorted()).toEqual([...flow.calls].toSorted())
        })
      }),
    )
    for (const boundary of boundaries(flow)) {
      for (const [moment, fault] of Object.entries(DEATHS)) {
        if (!isRun('deaths', ONE_IN)) continue
        it.concurrent(`${flowName}/${boundary.label} ${moment}`, { timeout: 90_000 }, () =>
          stages.take(async (stage) => {
            const { home: daemon, proxy } = stage
            await play(stage, flow, async (begin) => {
              const struck = proxy.strike(boundary, (call) => fault(call, () => void daemon.kill()))
              const begun = begin().catch(() => {}) // the daemon dies under it
              await struck
              await daemon.kill()
              await begun
              const since = new Date()
              await daemon.start()
              await untilIdle(stage, since)
            })
          }),
        )
      }
    }
  }
})
