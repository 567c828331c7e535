import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ownerOfUser, policyNameFor, ungrantable, ungrantableKey, userNameFor } from '../../plugins/vault/names.ts'
import { PROBE_POLICY, PROBE_USER, probeName, probeOf } from '../../plugins/vault/probe-names.ts'

const RUN = 'run_01jdqk7w2vpt3c8mdy5h9r6n4s'

describe('a name in the target', () => {
  it('comes from the run alone, and a user’s leads back to it', () => {
    expect(policyNameFor('lk-', RUN)).toBe('lk-01jdqk7w2vpt3c8mdy5h9r6n4s')
    fc.assert(
      fc.property(fc.stringMatching(/^[0-7][0-9a-hjkmnp-tv-z]{25}$/), (id) => {
        const name = userNameFor('4711081542', `run_${id}`)
        expect(name).toMatch(/^4711081542-\d{41}$/)
        expect(ownerOfUser(name)).toEqual({ instance: '4711081542', runId: `run_${id}` })
      }),
    )
    expect(userNameFor('4711081542', `run_${'0'.repeat(25)}z`)).toBe(`4711081542-${'35'.padStart(41, '0')}`)
    expect(userNameFor('4711081542', `run_${'0'.repeat(24)}10`)).toBe(`4711081542-${'36'.padStart(41, '0')}`)
  })

  it.each(['run_', '01jdqk7w2vpt3c8mdy5h9r6n4s', `x${RUN}`, `${RUN}0`, RUN.toUpperCase()])('is not made of %s', (id) => {
    expect(() => policyNameFor('lk-', id)).toThrow(new TypeError(`${id} is not a run's id`))
  })

  const digits = '0'.repeat(41)
  it.each(['bob', `471108154-${digits}`, `4711081542-${digits}0`, `4711081542-${digits.slice(1)}`, `x4711081542-${digits}`])(
    'of a user is not ours when it is %s',
    (name) => expect(ownerOfUser(name)).toBeUndefined(),
  )

  it('of a user is not ours when no run has that number', () => {
    expect(ownerOfUser(`4711081542-${'9'.repeat(41)}`)).toBeUndefined()
    expect(ownerOfUser(`4711081542-${digits}`)).toEqual({ instance: '4711081542', runId: `run_${'0'.repeat(26)}` })
  })

  it.each<[string, string | undefined]>([
    ['a\ud800', 'the name is not valid Unicode'],
    ['a\nb', 'the name holds a character that cannot be printed'],
    ['\u200ba', 'the name holds a character that cannot be printed'],
    ['a\u00a0', 'the name holds a character that cannot be printed'],
    ['', 'the name holds an empty segment'],
    ['a//b', 'the name holds an empty segment'],
    ['/a', 'the name holds an empty segment'],
    ['a/', 'the name holds an empty segment'],
    ['./a', 'the name holds a relative segment'],
    ['a/../b', 'the name holds a relative segment'],
    ['a*', 'the name ends with *, which a policy reads as "everything that begins so"'],
    ['a/+', 'a segment begins with +, which a policy reads as "any"'],
    ['+a/b', 'a segment begins with +, which a policy reads as "any"'],
    ['a+*b', 'a segment begins with +, which a policy reads as "any"'],
    ['a{{b', 'the name holds {{ or }}, which a policy reads as a template'],
    ['a}}b', 'the name holds {{ or }}, which a policy reads as a template'],
    ['app/db', undefined],
    ['a*b/c+d/..x/{y}', undefined],
    ['M\u00fcller e\u0301 1 \u20ac -_', undefined],
  ])('%j cannot be granted because %s', (name, reason) => {
    expect(ungrantable(name)).toBe(reason)
  })

  it.each<[string, boolean]>([
    ['k', true],
    ['key-1.a_b', true],
    ['_', true],
    ['-k', false],
    ['k-', false],
    ['k.', false],
    ['.k', false],
    ['k/x', false],
    ['k x', false],
    ['+', false],
    ['', false],
  ])('%j may be a Transit key’s: %s', (name, expected) => {
    expect(ungrantableKey(name)).toBe(expected ? undefined : 'Transit gives keys no such name')
  })
})

describe('the name of a probe', () => {
  afterEach(() => void vi.useRealTimers())
  const NOW = new Date('2030-01-01T10:00:00.900Z')
  const then = (ms: number) => Math.floor((NOW.getTime() - ms) / 1000)

  it('bears its time, and is never the same twice', () => {
    expect([PROBE_POLICY, PROBE_USER]).toEqual(['probe-', '0-'])
    vi.useFakeTimers({ now: NOW, toFake: ['Date'] })
    expect(probeName('probe-')).toMatch(new RegExp(`^probe-${then(0)}-\\d+$`))
    expect(probeName('probe-')).not.toBe(probeName('probe-'))
    expect(probeOf(probeName('probe-'), 'probe-')).toBe('recent')
  })

  it.each<[string, string]>([
    [`probe-${then(0)}-1`, 'recent'],
    [`probe-${then(179_000)}-77`, 'recent'],
    [`probe-${then(182_000)}-77`, 'left behind'],
    [`probe-${then(-179_000)}-1`, 'recent'],
    [`probe-${then(-182_000)}-1`, 'none'],
    ['probe-999999999999-1', 'none'],
    [`probe-${then(86_400_000)}-77`, 'left behind'],
    [`other-${then(0)}-1`, 'none'],
    [`x-probe-${then(0)}-1`, 'none'],
    [`probe-${then(0)}-1x`, 'none'],
    [`probe-${then(0)}-`, 'none'],
    [`probe-${then(0)}`, 'none'],
    ['probe-123456789-1', 'none'],
    ['probe-1234567890123-1', 'none'],
    [`probe-x${then(0)}-1`, 'none'],
  ])('tells of %s that it is %s', (name, expected) => {
    vi.useFakeTimers({ now: NOW, toFake: ['Date'] })
    expect(probeOf(name, 'probe-')).toBe(expected)
  })
})
