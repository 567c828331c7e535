import { describe, expect, it } from 'vitest'
import { requestMachine } from '../../src/approvals/requests/request-machine.ts'
import { proposalMachine } from '../../src/changes/proposal-machine.ts'
import { grantMachine } from '../../src/grants/grant-machine.ts'
import { type Machine, machine } from '../../src/platform/machine.ts'

describe('a request', () => {
  it('is decided, cancelled or lapses once, and then stays as it is', () => {
    expect(arrowsOf(requestMachine)).toEqual([
      'pending --approve--> approved',
      'pending --reject--> rejected',
      'pending --cancel--> cancelled',
      'pending --lapse--> expired',
    ])
    expect(finalsOf(requestMachine)).toEqual(['approved', 'rejected', 'cancelled', 'expired'])
  })
})

describe('a grant', () => {
  it('ends only by way of its revocation, from wherever it is, and a stuck one still ends', () => {
    expect(arrowsOf(grantMachine)).toEqual([
      'scheduled --start--> provisioning',
      'scheduled --end--> revoking',
      'provisioning --provisioned--> active',
      'provisioning --end--> revoking',
      'active --end--> revoking',
      'revoking --overdue--> stuck',
      'revoking --gone_expired--> expired',
      'revoking --gone_revoked--> revoked',
      'revoking --gone_failed--> failed',
      'stuck --gone_expired--> expired',
      'stuck --gone_revoked--> revoked',
      'stuck --gone_failed--> failed',
      'stuck --write_off--> written_off',
    ])
    expect(finalsOf(grantMachine)).toEqual(['expired', 'revoked', 'failed', 'written_off'])
  })
})

describe('a proposal', () => {
  it('is accepted before it is performed, and nothing that is over begins again', () => {
    expect(arrowsOf(proposalMachine)).toEqual([
      'open --accept--> accepted',
      'open --decline--> declined',
      'open --withdraw--> withdrawn',
      'open --lapse--> lapsed',
      'accepted --perform--> performed',
      'accepted --fail--> failed',
    ])
    expect(finalsOf(proposalMachine)).toEqual(['performed', 'failed', 'declined', 'withdrawn', 'lapsed'])
  })
})

describe('a machine', () => {
  it('answers nothing to an event that means nothing in its state', () => {
    expect(grantMachine.next('active', 'end')).toBe('revoking')
    expect(grantMachine.next('active', 'provisioned')).toBeUndefined()
    expect(grantMachine.next('expired', 'end')).toBeUndefined()
    expect(requestMachine.next('approved', 'reject')).toBeUndefined()
  })

  it('is not made of a table with an arrow to a state that is not in it', () => {
    const broken = { on: { flip: 'off' }, off: { flip: 'gone' } } as unknown as Record<'on' | 'off', { flip: 'on' | 'off' }>
    expect(() => machine(broken)).toThrow(new TypeError('off --flip--> gone: no such state'))
    const empty = { on: { flip: undefined } } as unknown as Record<'on', { flip: 'on' }>
    expect(() => machine(empty)).toThrow(new TypeError('on --flip--> undefined: no such state'))
  })
})

function arrowsOf<State extends string, Event extends string>({ states, arrows }: Machine<State, Event>): string[] {
  return states.flatMap((state) =>
    Object.entries<State | undefined>(arrows[state]).map(([event, to]) => `${state} --${event}--> ${to}`),
  )
}

function finalsOf<State extends string, Event extends string>({ states, isFinal }: Machine<State, Event>): State[] {
  return states.filter(isFinal)
}
