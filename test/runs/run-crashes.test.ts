import { afterAll, describe, expect, it } from 'vitest'
import { startDaemon } from '../support/daemon.ts'
import type { CallUnderWay } from '../support/fault-proxy.ts'
import { isRun } from '../support/gate-share.ts'
import { boundaries } from '../support/grant-flows.ts'
import { RUN_FLOWS } from '../support/run-flows.ts'
import { connectAnew, setStage, untilIdle } from '../support/stage.ts'
import { Turns } from '../support/turns.ts'

const STAGES = 2
const ONE_IN = 2

/** When the daemon dies, seen from one call to the server. */
const DEATHS: Readonly<Record<string, (call: CallUnderWay, die: () => void) => Promise<void>>> = {
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
}

describe('a run survives the death of its daemon at every call to the server', () => {
  const stages = new Turns(STAGES, () => setStage(startDaemon, { capabilities: ['discovery', 'grants', 'rotate-secrets'] }))

  afterAll(() => stages.closeAll())

  for (const [name, flow] of Object.entries(RUN_FLOWS)) {
    it.concurrent(`${name}: makes exactly the calls that are struck here`, { timeout: 90_000 }, () =>
      stages.take(async (stage) => {
        await connectAnew(stage)
        const before = await flow.prepare(stage)
        stage.proxy.begin()
        await flow.begin(stage, before)
        // A look at the server's health reads the mounts as well, when it likes.
        const own = (calls: readonly string[]) => calls.filter((call) => call !== 'GET sys/internal/ui/mounts')
        expect(own(stage.proxy.calls)).toEqual(own(flow.calls))
        await flow.settle(stage, before)
      }),
    )
    for (const boundary of boundaries(flow)) {
      for (const [moment, fault] of Object.entries(DEATHS)) {
        if (!isRun('deaths of runs', ONE_IN)) continue
        it.concurrent(`${name}/${boundary.label} ${moment}`, { timeout: 90_000 }, () =>
          stages.take(async (stage) => {
            const { home: daemon, proxy } = stage
            await connectAnew(stage)
            const before = await flow.prepare(stage)
            proxy.begin()
            const struck = proxy.strike(boundary, (call) => fault(call, () => void daemon.kill()))
            const begun = flow.begin(stage, before).catch(() => {}) // the daemon dies under it
            await struck
            await daemon.kill()
            await begun
            const since = new Date()
            await daemon.start()
            await untilIdle(stage, since)
            await flow.settle(stage, before)
          }),
        )
      }
    }
  }
})
