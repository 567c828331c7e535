import type { Evidence } from '../../src/sdk/index.ts'
import type { VaultAnswer } from './client/client.ts'

/** What one answer says of a piece, with the ids under which the server's audit log has the call. */
export function evidenceOf(
  artefact: string,
  holds: boolean,
  observed: string,
  answer: VaultAnswer,
  correlationAudited?: boolean,
): Evidence {
  const { requestId, correlationId, at } = answer
  return {
    artefact,
    holds,
    observed,
    requestId,
    requestIdBy: requestId === correlationId ? 'broker' : 'target',
    correlationId,
    correlationAudited,
    at,
  }
}

/** What an answer says of something that should not be there, in a few words. */
export function saidOf(answer: VaultAnswer, isGone: boolean): string {
  return isGone ? `${answer.status}, not there` : `${answer.status}, ${answer.errors.join('; ') || 'still there'}`
}
