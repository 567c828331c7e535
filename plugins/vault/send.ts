import { isBrokerError, type RunContext } from '../../src/sdk/index.ts'
import type { Rank, VaultAnswer, VaultCall } from '../../vault/index.ts'
import type { VaultClient } from './client.ts'
import { lookOf, refusedCall } from './evidence.ts'

/** One way to send a call, already bound to what must accompany each: the signal, and the fence of a run. */
export type Send = (call: VaultCall) => Promise<VaultAnswer>

export function sending(client: VaultClient, signal: AbortSignal, rank: Rank, guard?: () => void): Send {
  return (call) => client.call({ ...call, signal, rank, guard })
}

/** For the steps of a run: what is decided by the answer must be known first-hand. */
export function sendingFor(ctx: Bound, rank: Rank): Send {
  return firsthand(sendingIn(ctx, rank))
}

type Bound = Pick<RunContext<VaultClient>, 'client' | 'signal' | 'stillMine' | 'noted'>

/** For a call of an action: whatever may change something is noted, done or refused. */
export function sendingIn({ client, signal, stillMine, noted }: Bound, rank: Rank): Send {
  const send = sending(client, signal, rank, stillMine)
  if (!noted) return send
  return async (call) => {
    if (call.method === 'GET') return send(call)
    try {
      const answer = await send(call)
      noted(lookOf(call, answer, String(answer.status)))
      return answer
    } catch (error) {
      if (isBrokerError(error) && error.requestId !== undefined) noted(refusedCall(call, error.code, error.requestId))
      throw error
    }
  }
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
