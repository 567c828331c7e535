import { afterAll, describe, expect, it } from 'vitest'
import { startDaemon } from '../support/daemon.ts'
import { DEATHS, dieAt } from '../support/deaths.ts'
import { isRun } from '../support/gate-share.ts'
import { boundaries } from '../support/grant-flows.ts'
import { POLICY_FLOWS, RUN_FLOWS } from '../support/run-flows.ts'
import { connectAnew, setStage } from '../support/stage.ts'
import { Turns } from '../support/turns.ts'

const STAGES = 2
/** Of the deaths of each kind of run so many are in the gate. */
const ONE_IN = { rotations: 5, policies: 10 }
const CAPABILITIES = ['discovery', 'grants', 'rotate-secrets', 'change-policies']

describe('a run survives the death of its daemon at every call to the server', () => {
  const stages = new Turns(STAGES, () => setStage(startDaemon, { capabilities: CAPABILITIES, policies: ['team-*'] }))

  afterAll(() => stages.closeAll())

  for (const [name, flow] of Object.entries({ ...RUN_FLOWS, ...POLICY_FLOWS })) {
    const kind = name in POLICY_FLOWS ? 'policies' : 'rotations'
    it.concurrent(`${name}: makes exactly the calls that are struck here`, () =>
      stages.take(async (stage) => {
        await connectAnew(stage)
        const before = await flow.prepare(stage)
        stage.proxy.begin()
        await flow.begin(stage, before)
        // A look at the server's health reads the mounts as well, when it likes.
        const own = (calls: readonly string[]) => calls.filter((call) => call !== 'GET sys/internal/ui/mounts')
        expect(own(stage.proxy.calls)).toEqual(own(flow.calls))
        await flow.settle(stage, before)
      }))
    for (const boundary of boundaries(flow)) {
      for (const [moment, death] of Object.entries(DEATHS)) {
        if (!isRun(`deaths of ${kind}`, ONE_IN[kind])) continue
        it.concurrent(`${name}/${boundary.label} ${moment}`, () =>
          stages.take(async (stage) => {
            await connectAnew(stage)
            const before = await flow.prepare(stage)
            stage.proxy.begin()
            await dieAt(stage, boundary, death, () => flow.begin(stage, before))
            await flow.settle(stage, before)
          }))
      }
    }
  }
})
