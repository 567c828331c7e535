import type { DueItem } from '../platform/due/due-work.ts'

export const SWEEP_WORK = 'integration.sweep'

/** The comparison of a target with what the database knows, at once and from then on every few minutes. */
export function sweepWork(integrationId: string): DueItem {
  return { lane: 'background', kind: SWEEP_WORK, subject: integrationId, shard: integrationId }
}
