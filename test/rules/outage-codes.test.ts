import { describe, expect, it } from 'vitest'
import { isOutage, mayBeGone } from '../../src/actions/outage.ts'
import { BrokerError } from '../../src/sdk/index.ts'

describe('what an error says of a target as a whole', () => {
  it.each(['target.unreachable', 'target.timeout', 'target.tls', 'target.unready'] as const)(
    '%s may mean that the target is gone, and leaves its other grants alone for now',
    (code) => {
      expect(mayBeGone(code)).toBe(true)
      expect(isOutage(new BrokerError(code, 'said so'))).toBe(true)
    },
  )

  it.each(['target.busy', 'target.login_failed', 'target.redirected'] as const)(
    '%s is an outage of a target that is there',
    (code) => {
      expect(mayBeGone(code)).toBe(false)
      expect(isOutage(new BrokerError(code, 'said so'))).toBe(true)
    },
  )

  it('reads what rows of 0.1.0 call it as it was meant', () => {
    const once = ['target.sealed', 'target.standby', 'target.uninitialized']
    expect(once.filter((code) => !mayBeGone(code))).toEqual([])
  })

  it.each(['target.scope', 'target.denied', 'internal'] as const)('%s says nothing of the kind', (code) => {
    expect(mayBeGone(code)).toBe(false)
    expect(isOutage(new BrokerError(code, 'said so'))).toBe(false)
  })
})
