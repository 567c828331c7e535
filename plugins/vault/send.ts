import type { VaultAnswer, VaultCall, VaultClient } from './client/client.ts'

/** One way to send a call, already bound to what must accompany each: the signal, and the fence of a run. */
export type Send = (call: VaultCall) => Promise<VaultAnswer>

export function sending(client: VaultClient, signal: AbortSignal, guard?: () => void): Send {
  return (call) => client.call({ ...call, signal, guard })
}
