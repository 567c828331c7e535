import { machine } from '../../platform/machine.ts'

export type RequestState = 'pending' | 'approved' | 'rejected' | 'cancelled' | 'expired'
export type RequestEvent = 'approve' | 'reject' | 'cancel' | 'lapse'

export const requestMachine = machine<RequestState, RequestEvent, 'pending'>({
  pending: { approve: 'approved', reject: 'rejected', cancel: 'cancelled', lapse: 'expired' },
  approved: {},
  rejected: {},
  cancelled: {},
  expired: {},
})
