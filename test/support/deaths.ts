import type { Daemon } from './daemon.ts'
import type { Boundary, CallUnderWay } from './fault-proxy.ts'
import { type Stage, untilIdle } from './stage.ts'

type Death = (call: CallUnderWay, die: () => void) => Promise<void>

/** When the daemon dies, seen from one call to the server. */
export const DEATHS: Readonly<Record<string, Death>> = {
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

/** Kills the daemon at a call of what begins, and starts it again. Resolves when it has done what every start does. */
export async function dieAt(
  stage: Stage<Daemon>,
  boundary: Boundary,
  death: Death,
  begin: () => Promise<unknown>,
): Promise<void> {
  const { home: daemon, proxy } = stage
  const struck = proxy.strike(boundary, (call) => death(call, () => void daemon.kill()))
  const begun = begin().catch(() => {}) // the daemon dies under it
  await struck
  await daemon.kill()
  await begun
  const since = new Date()
  await daemon.start()
  await untilIdle(stage, since)
}
