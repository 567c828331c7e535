import { machine } from '../platform/machine.ts'

export type IntegrationState = 'active' | 'paused' | 'removed'
export type IntegrationEvent = 'pause' | 'resume' | 'remove'

export const integrationMachine = machine<IntegrationState, IntegrationEvent>({
  active: { pause: 'paused', remove: 'removed' },
  paused: { resume: 'active', remove: 'removed' },
  removed: {},
})
