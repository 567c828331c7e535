import { machine } from '../../platform/machine.ts'

export type OpeningState = 'opening' | 'delivered' | 'collected' | 'superseded' | 'failed' | 'ended'
export type OpeningEvent = 'deliver' | 'fail' | 'collect' | 'lapse' | 'supersede' | 'end'

/** `lapse`: nobody collected it in time; `end`: its grant ends. */
export const openingMachine = machine<OpeningState, OpeningEvent, 'opening'>({
  opening: { deliver: 'delivered', fail: 'failed', supersede: 'superseded', end: 'ended' },
  delivered: { collect: 'collected', lapse: 'ended', supersede: 'superseded', end: 'ended' },
  collected: { supersede: 'superseded', end: 'ended' },
  superseded: {},
  failed: {},
  ended: {},
})
