import { afterAll, describe, it } from 'vitest'
import { startBroker } from '../support/broker.ts'
import type { Fault, Reply } from '../support/fault-proxy.ts'
import { isRun } from '../support/gate-share.ts'
import { boundaries, FLOWS, play } from '../support/grant-flows.ts'
import { setStage } from '../support/stage.ts'
import { Turns } from '../support/turns.ts'

const STAGES = 3
const ONE_IN = 3
/** What stalls stalls for longer; nothing else takes so long, even where everything is slow. */
const TIMEOUT_SECONDS = 3

/** What goes wrong with one call to the server while everybody lives. */
const FAULTS: Record<string, Fault> = {
  'dropped before': async (call) => call.drop(),
  'dropped after it was applied': async (call) => {
    await call.forward()
    call.drop()
  },
  'answered 500 after it was applied': async (call) => {
    await call.forward()
    await call.reply(refusal(500, '1 error occurred: * failed to audit response'))
  },
  'applied twice': async (call) => {
    const first = await call.forward()
    await call.forward()
    await call.reply(first)
  },
  'applied at once and never answered': async (call) => {
    await call.forward()
    await call.abandoned
  },
  'applied when nobody waits for it any more': async (call) => {
    await call.abandoned
    await call.forward()
  },
  'answered 429': async (call) => call.reply(refusal(429, 'request path quota exceeded')),
  'answered 503': async (call) => call.reply(refusal(503, 'Vault is sealed')),
}

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

function refusal(status: number, error: string): Reply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ errors: [error] }) }
}
