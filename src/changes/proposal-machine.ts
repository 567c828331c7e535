import { machine } from '../platform/machine.ts'

export type ProposalState = 'open' | 'accepted' | 'performed' | 'failed' | 'declined' | 'withdrawn' | 'lapsed'
export type ProposalEvent = 'accept' | 'decline' | 'withdraw' | 'lapse' | 'perform' | 'fail'

/** `accepted` is decided and not yet made: due work makes the change. */
export const proposalMachine = machine<ProposalState, ProposalEvent, 'open'>({
  open: { accept: 'accepted', decline: 'declined', withdraw: 'withdrawn', lapse: 'lapsed' },
  accepted: { perform: 'performed', fail: 'failed' },
  performed: {},
  failed: {},
  declined: {},
  withdrawn: {},
  lapsed: {},
})
