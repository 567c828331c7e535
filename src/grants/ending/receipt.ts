import type { Evidence, Json, TargetIdentity } from '../../sdk/index.ts'
import type { Grant } from '../grant.ts'

/** Evidence that every piece of a grant is gone, as it is kept, shown and exported. */
export function receiptOf(
  grant: Grant,
  evidence: readonly Evidence[],
  { target, recorded }: { target: TargetIdentity | undefined; recorded: boolean },
): Json {
  return {
    grant: grant.id,
    reason: grant.endReason,
    endedBy: grant.endedBy,
    dueAt: grant.expiresAt?.toISOString() ?? null,
    revokingAt: grant.revokingAt?.toISOString() ?? null,
    powerlessAt: grant.cutAt?.toISOString() ?? null,
    target: target ?? null,
    targetRecorded: recorded,
    evidence: evidence.map((piece) => ({
      artefact: piece.artefact,
      gone: piece.holds,
      observed: piece.observed,
      requestId: piece.requestId ?? null,
      requestIdBy: piece.requestIdBy ?? null,
      correlationId: piece.correlationId ?? null,
      correlationAudited: piece.correlationAudited ?? null,
      mayStay: piece.mayStay ?? null,
      at: piece.at,
    })),
  }
}
