import { machine } from '../platform/machine.ts'

export type GrantState =
  | 'scheduled'
  | 'provisioning'
  | 'active'
  | 'revoking'
  | 'stuck'
  | 'expired'
  | 'revoked'
  | 'failed'
  | 'written_off'
export type GrantEvent =
  | 'start'
  | 'provisioned'
  | 'end'
  | 'overdue'
  | 'gone_expired'
  | 'gone_revoked'
  | 'gone_failed'
  | 'write_off'

export const grantMachine = machine<GrantState, GrantEvent, 'scheduled'>({
  scheduled: { start: 'provisioning', end: 'revoking' },
  provisioning: { provisioned: 'active', end: 'revoking' },
  active: { end: 'revoking' },
  revoking: {
    overdue: 'stuck',
    gone_expired: 'expired',
    gone_revoked: 'revoked',
    gone_failed: 'failed',
  },
  stuck: { gone_expired: 'expired', gone_revoked: 'revoked', gone_failed: 'failed', write_off: 'written_off' },
  expired: {},
  revoked: {},
  failed: {},
  written_off: {},
})
