import type { Evidence, Look } from '../../src/sdk/index.ts'
import type { VaultAnswer, VaultCall } from '../../vault/index.ts'

/** What one call was answered, with the ids under which the server's audit log has that very call. */
export function lookOf(call: Pick<VaultCall, 'method' | 'path' | 'list'>, answer: VaultAnswer, observed: string): Look {
  const { requestId, correlationId, at } = answer
  return {
    asked: `${call.list ? 'LIST' : call.method} ${call.path.join('/')}`,
    observed,
    requestId,
    requestIdBy: requestId === correlationId ? 'broker' : 'target',
    correlationId,
    at,
  }
}

/** A call that was refused, or whose answer never came: only the id that went along is sure to be known there. */
export function unansweredCall(call: Pick<VaultCall, 'method' | 'path'>, observed: string, correlationId: string): Look {
  return {
    asked: `${call.method} ${call.path.join('/')}`,
    observed,
    requestId: correlationId,
    requestIdBy: 'broker',
    correlationId,
    at: new Date().toISOString(),
  }
}

/** What the looks at a piece come to; `decisive` is the one that the rest only bears out. */
export function evidenceOf(
  artefact: string,
  holds: boolean,
  decisive: Look,
  { looks = [decisive], audited }: { looks?: readonly Look[]; audited?: boolean | undefined } = {},
): Evidence {
  const { asked: _, ...said } = decisive
  return { artefact, holds, ...said, correlationAudited: audited, looks }
}

/** What an answer says of something that should not be there, in a few words. */
export function saidOf(answer: VaultAnswer, isGone: boolean): string {
  return isGone ? `${answer.status}, not there` : `${answer.status}, ${answer.errors.join('; ') || 'still there'}`
}
