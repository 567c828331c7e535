import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseKey } from '../../src/config/key-source.ts'
import { Sealer } from '../../src/platform/sealing/sealing.ts'
import { BrokerError, Secret } from '../../src/sdk/index.ts'

const sealer = new Sealer(randomBytes(32))
const place = { table: 'integrations', row: 'int_1', column: 'config' }

function refusal(act: () => unknown): BrokerError {
  try {
    act()
  } catch (error) {
    if (error instanceof BrokerError) return error
    throw error
  }
  throw new Error('it was not refused')
}

describe('sealing', () => {
  it('gives back what was sealed, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        expect(sealer.open(sealer.seal(value, place), place).reveal()).toBe(value)
        expect(sealer.open(sealer.seal(new Secret(value), place), place).reveal()).toBe(value)
      }),
    )
  })

  it('seals the same value differently each time, and shows nothing of it', () => {
    const [one, other] = [sealer.seal('open sesame', place), sealer.seal('open sesame', place)]
    expect(one).toMatch(/^lk1(\.[\w-]+){3}$/)
    expect(one.split('.').slice(2)).not.toEqual(other.split('.').slice(2))
    expect(Buffer.from(one, 'base64url').includes('sesame')).toBe(false)
  })

  it.each([
    ['to another row', { ...place, row: 'int_2' }],
    ['to another column', { ...place, column: 'kept' }],
    ['to another table', { ...place, table: 'targets' }],
    ['to a place that reads the same when joined', { table: 'integration', row: 'sint_1', column: 'config' }],
    ['to a place with a quote in its name', { table: 'integrations","int_1', row: 'config', column: '' }],
  ])('does not open what was moved %s', (_, elsewhere) => {
    const error = refusal(() => sealer.open(sealer.seal('x', place), elsewhere))
    expect(error).toMatchObject({ code: 'unavailable', message: expect.stringContaining('moved or altered') })
    expect(error.fix).toBeDefined()
  })

  it('does not open what was altered in any character', () => {
    const sealed = sealer.seal('a value', place)
    for (let i = 0; i < sealed.length; i++) {
      for (const character of ['A', 'B', '.', '=', ' ']) {
        if (sealed[i] === character) continue
        const altered = sealed.slice(0, i) + character + sealed.slice(i + 1)
        expect(refusal(() => sealer.open(altered, place)).code).toBe('unavailable')
      }
    }
  })

  it('does not open what was cut short, made longer or mixed from two', () => {
    const [one, other] = [sealer.seal('one', place).split('.'), sealer.seal('two', place).split('.')]
    const sealed = one.join('.')
    for (let length = 0; length < sealed.length; length++) refusal(() => sealer.open(sealed.slice(0, length), place))
    for (let at = 0; at < sealed.length; at++) {
      const [before, after] = [sealed.slice(0, at), sealed.slice(at)]
      refusal(() => sealer.open(before + after.slice(1), place))
      for (const more of ['A', '.', ' ', '=', '\n']) refusal(() => sealer.open(before + more + after, place))
    }
    refusal(() => sealer.open(`${sealed}A`, place))
    refusal(() => sealer.open(`${sealed}.A`, place))
    refusal(() => sealer.open([...one.slice(0, 3), other[3]].join('.'), place))
  })

  it('names both keys when it has the wrong one', () => {
    const other = new Sealer(randomBytes(32))
    const error = refusal(() => other.open(sealer.seal('x', place), place))
    expect(error.message).toContain(sealer.keyId)
    expect(error.message).toContain(other.keyId)
    expect(error.fix).toContain('LATCHKEY_KEY')
  })

  it('moves a value to a new key, once', () => {
    const former = randomBytes(32)
    const fresh = new Sealer(randomBytes(32), [former])
    const rewrapped = fresh.rewrap(new Sealer(former).seal('x', place), place)
    expect(fresh.open(rewrapped, place).reveal()).toBe('x')
    expect(fresh.rewrap(rewrapped, place)).toBe(rewrapped)
    refusal(() => new Sealer(former).open(rewrapped, place))
  })

  it('takes only 32 bytes for a key', () => {
    expect(() => new Sealer(randomBytes(16))).toThrow(TypeError)
    expect(parseKey(randomBytes(32).toString('base64'))).toHaveLength(32)
    for (const text of ['', 'abc', randomBytes(16).toString('base64'), randomBytes(32).toString('hex')]) {
      expect(parseKey(text)).toBeUndefined()
    }
  })
})
