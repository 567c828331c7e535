import type { DueItem } from '../../platform/due/due-work.ts'

export const FLOW_OFF = 'flow.off'

/** The work that ends what waits under a flow which is switched off. */
export function flowOff(flowId: string): DueItem {
  return { lane: 'background', kind: FLOW_OFF, subject: flowId }
}
