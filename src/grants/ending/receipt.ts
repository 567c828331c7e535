import type { RevocationReceipt } from '../../contract/grants.ts'
import { type Evidence, type Look, storable, type TargetIdentity } from '../../sdk/index.ts'
import type { Grant } from '../grant.ts'

/** Evidence that every piece of a grant is gone, as it is kept, shown and exported. */
export function receiptOf(
  grant: Grant,
  evidence: readonly Evidence[],
  {
    target,
    recorded,
    beyond = [],
  }: { target: TargetIdentity | undefined; recorded: boolean; beyond?: readonly string[] | undefined },
): RevocationReceipt {
  return {
    ...headOf(grant),
    target: target ?? null,
    targetRecorded: recorded,
    evidence: evidence.map(pieceOf),
    beyond: [...beyond],
  }
}

export interface Unproved {
  readonly writtenOff: NonNullable<RevocationReceipt['writtenOff']>
  /** where it was made, and where nobody looked */
  readonly target: TargetIdentity | undefined
  readonly steps: readonly { readonly kind: string; readonly target: string; readonly state: string }[]
  readonly credentials: readonly { readonly delivery: string; readonly endsAt: Date | null }[]
}

/** Of a grant whose system is gone: every piece that the journal knows of, and of each that nobody looked at it. */
export function unprovedReceipt(grant: Grant, { writtenOff, target, steps, credentials }: Unproved): RevocationReceipt {
  const { at } = writtenOff
  const unseen = (artefact: string, observed: string) => ({
    artefact,
    gone: false,
    lookedAt: false,
    observed,
    requestId: null,
    requestIdBy: null,
    at,
  })
  return {
    ...headOf(grant),
    target: target ?? null,
    targetRecorded: target !== undefined,
    writtenOff,
    evidence: [
      ...steps.map((step) =>
        unseen(`${step.kind} ${step.target}`, `not looked at; ${JOURNAL_SAYS[step.state] ?? 'it may be there'}`),
      ),
      ...credentials.map(({ delivery, endsAt }) =>
        unseen(
          `credential handed over as ${delivery}`,
          `not looked at; its system was told to end it at ${endsAt?.toISOString()}`,
        ),
      ),
    ],
  }
}

const JOURNAL_SAYS: Readonly<Record<string, string>> = {
  planned: 'it was never begun',
  undone: 'the broker had taken it away before',
}

export function pieceOf(piece: Evidence) {
  return {
    artefact: piece.artefact,
    gone: piece.holds,
    ...saidIn(piece),
    correlationAudited: piece.correlationAudited ?? null,
    mayStay: piece.mayStay ?? null,
    ...(piece.looks && { looks: piece.looks.map((look) => ({ asked: storable(look.asked), ...saidIn(look) })) }),
  }
}

function saidIn({ observed, requestId, requestIdBy, correlationId, at }: Omit<Look, 'asked'>) {
  return {
    observed: storable(observed),
    requestId: requestId ?? null,
    requestIdBy: requestIdBy ?? null,
    correlationId: correlationId ?? null,
    at,
  }
}

function headOf(grant: Grant) {
  return {
    grant: grant.id as RevocationReceipt['grant'],
    reason: grant.endReason!,
    endedBy: grant.endedBy,
    dueAt: grant.expiresAt?.toISOString() ?? null,
    revokingAt: grant.revokingAt?.toISOString() ?? null,
    powerlessAt: grant.cutAt?.toISOString() ?? null,
  }
}
