import { randomUUID } from 'node:crypto'
import { isBrokerError, type RunContext } from '../../src/sdk/index.ts'
import { NetworkFailure, type Rank, type VaultAnswer, type VaultCall } from '../../vault/index.ts'
import type { VaultClient } from './client.ts'
import { lookOf, unansweredCall } from './evidence.ts'

/** One way to send a call, already bound to what must accompany each: the signal, and the fence of a run. */
export type Send = (call: VaultCall) => Promise<VaultAnswer>

export function sending(client: VaultClient, signal: AbortSignal, rank: Rank, guard?: () => void): Send {
  return (call) => client.call({ ...call, signal, rank, guard })
}

/** For the steps of a run: what is decided by the answer must be known first-hand. */
export function sendingFor(ctx: Bound, rank: Rank): Send {
  return firsthand(sendingIn(ctx, rank))
}

export type Bound = Pick<RunContext<VaultClient>, 'client' | 'signal' | 'stillMine' | 'nextCallId' | 'noted' | 'remember'>

/** For a call of an action: whatever may change something is noted, done, refused or never answered. */
export function sendingIn({ client, signal, stillMine, nextCallId, noted }: Bound, rank: Rank): Send {
  const send = sending(client, signal, rank, stillMine)
  if (!noted) return send
  return async (call) => {
    if (call.method === 'GET') return send(call)
    const correlationId = nextCallId?.() ?? randomUUID()
    let isOut = false
    const guarded = sending(client, signal, rank, () => {
      stillMine()
      isOut = true
    })
    try {
      const answer = await guarded({ ...call, correlationId })
      noted(lookOf(call, answer, String(answer.status)))
      return answer
    } catch (error) {
      if (isOut && !wasNotSent(error)) noted(unansweredCall(call, whyNot(error), correlationId))
      throw error
    }
  }
}

/** Of a call that is repeated, the last attempt says so of itself alone: those before were not sent either, or were answered. */
function wasNotSent(error: unknown): boolean {
  return isBrokerError(error) && error.cause instanceof NetworkFailure && !error.cause.sent
}

function whyNot(error: unknown): string {
  return isBrokerError(error) ? error.code : 'nobody waited for its answer'
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
