import type { VaultClient } from '../../../plugins/vault/client.ts'
import { BrokerError, type RunContext } from '../../../src/sdk/index.ts'

type Call = Parameters<VaultClient['call']>[0]

/** Calls of this context reach the server, which does them; the answer of one that is to be lost does not come back. */
export function losing(
  ctx: RunContext<VaultClient>,
  isLost: (call: Call, nth: number) => boolean,
): { ctx: RunContext<VaultClient>; calls(): number } {
  const { client } = ctx
  let calls = 0
  const call: VaultClient['call'] = async (each) => {
    calls += 1
    const nth = calls
    const answer = await client.call(each)
    if (isLost(each, nth)) throw new BrokerError('target.unreachable', 'the answer is lost')
    return answer
  }
  const lossy: VaultClient = {
    settings: client.settings,
    call,
    features: (signal) => client.features(signal),
    auditsCorrelation: (...asked) => client.auditsCorrelation(...asked),
    knownFeatures: () => client.knownFeatures(),
  }
  return { ctx: { ...ctx, client: lossy }, calls: () => calls }
}
