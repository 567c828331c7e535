import type { RunContext } from '../../src/sdk/index.ts'
import type { Rank, VaultAnswer, VaultCall } from '../../vault/index.ts'
import type { VaultClient } from './client.ts'

/** One way to send a call, already bound to what must accompany each: the signal, and the fence of a run. */
export type Send = (call: VaultCall) => Promise<VaultAnswer>

export function sending(client: VaultClient, signal: AbortSignal, rank: Rank, guard?: () => void): Send {
  return (call) => client.call({ ...call, signal, rank, guard })
}

/** For the steps of a run: what is decided by the answer must be known first-hand. */
export function sendingFor(ctx: Pick<RunContext<VaultClient>, 'client' | 'signal' | 'stillMine'>, rank: Rank): Send {
  return firsthand(sending(ctx.client, ctx.signal, rank, ctx.stillMine))
}

/** The same, answered by the server that knows it first-hand. */
export function firsthand(send: Send): Send {
  return (call) => send({ ...call, fromActive: true })
}

/**
 * True for a 404 that means "no such entry", which the servers say by an empty list of errors. One that says more means no such mount, path or
 * namespace, one that says nothing may come from anything that stands before the server, and neither proves anything.
 */
export function isAbsent({ status, body }: VaultAnswer): boolean {
  return status === 404 && Array.isArray(body['errors']) && body['errors'].length === 0
}
