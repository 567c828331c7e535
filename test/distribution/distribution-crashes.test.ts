import { afterAll, describe, expect, it } from 'vitest'
import { type Daemon, startDaemon } from '../support/daemon.ts'
import { DEATHS } from '../support/deaths.ts'
import { DISTRIBUTION_FLOWS, type ThreeTargets, threeTargets } from '../support/distribution-flows.ts'
import { isRun } from '../support/gate-share.ts'
import { boundaries } from '../support/grant-flows.ts'
import { Turns } from '../support/turns.ts'

const STAGES = 2
const ONE_IN = 6

const isOfSecond = (call: string) => call.includes('/b/')

describe('a distribution to three targets survives the death of its daemon at every call to the second', () => {
  const stages = new Turns<ThreeTargets<Daemon>>(STAGES, () => threeTargets(startDaemon))

  afterAll(() => stages.closeAll())

  for (const [name, flow] of Object.entries(DISTRIBUTION_FLOWS)) {
    it.concurrent(`${name}: makes exactly the calls that are struck here`, () =>
      stages.take(async (stage) => {
        const before = await flow.prepare(stage)
        stage.proxy.begin()
        // A server that forwards nothing says so to each new session, which then asks once more.
        const again: (string | undefined)[] = []
        stage.proxy.always(async (call) => {
          const reply = await call.forward()
          if (reply.status === 400 && reply.body.includes('X-Vault-Forward')) again.push(call.name)
          await call.reply(reply)
        })
        await flow.begin(stage, before)
        stage.proxy.always()
        // What a plan reads it reads at the same time, and two orders are one.
        const expected: readonly string[] = [...flow.calls, ...again.filter((call) => call !== undefined)]
        expect(stage.proxy.calls.filter(isOfSecond).toSorted()).toEqual(expected.filter(isOfSecond).toSorted())
        await flow.settle(stage, before)
      }))
    for (const boundary of boundaries(flow)) {
      for (const [moment, death] of Object.entries(DEATHS)) {
        if (!isRun('deaths of distributions', ONE_IN)) continue
        it.concurrent(`${name}/${boundary.label} ${moment}`, () =>
          stages.take(async (stage) => {
            const { proxy, world } = stage
            const before = await flow.prepare(stage)
            proxy.begin()
            const struck = proxy.strike(boundary, (call) => death(call, () => void world.broker.kill()))
            const begun = flow.begin(stage, before).catch(() => undefined) // the daemon dies under it
            await struck
            await world.broker.kill()
            await begun
            await world.broker.start()
            await flow.settle(stage, before)
          }))
      }
    }
  }
})
