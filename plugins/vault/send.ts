import type { VaultAnswer, VaultCall, VaultClient } from './client/client.ts'

/** One way to send a call, already bound to what must accompany each: the signal, and the fence of a run. */
export type Send = (call: VaultCall) => Promise<VaultAnswer>

export function sending(client: VaultClient, signal: AbortSignal, guard?: () => void): Send {
  return (call) => client.call({ ...call, signal, guard })
}

/** True for a 404 that means "no such entry": one that says more means no such mount, path or namespace, and proves nothing. */
export function isAbsent({ status, errors }: VaultAnswer): boolean {
  return status === 404 && errors.length === 0
}
