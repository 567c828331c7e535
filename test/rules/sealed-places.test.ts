import { expect, it } from 'vitest'
import { isBound, Sealer } from '../../src/platform/sealing/sealing.ts'

const [ONE, OTHER] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
const sealer = new Sealer(ONE, [OTHER])
const free = { table: 'integrations', row: 'int_1', column: 'config' }
const bound = { ...free, destination: 'vault' }

it('a value that is bound to a destination opens for that one alone', () => {
  const sealed = sealer.seal('x', bound)
  expect(sealed).toMatch(/^lk2\./)
  expect([isBound(sealed), isBound(sealer.seal('x', free)), isBound('x.lk2.')]).toEqual([true, false, false])
  expect(sealer.open(sealed, bound).reveal()).toBe('x')
  const words = 'integrations.config of int_1 is not what the broker sealed there: it was moved or altered'
  expect(() => sealer.open(sealed, { ...bound, destination: 'other' })).toThrow(
    `${words}, or the place it is sent to was changed directly in the database`,
  )
  expect(() => sealer.open(sealed.replace('lk2', 'lk1'), free)).toThrow(new RegExp(`${words}$`))
  expect(() => sealer.open(sealer.seal('x', free), bound)).toThrow(words)
  expect(() => sealer.open('lk1', free)).toThrow(words)
})

it('a key has 32 bytes, an id that says nothing of it, and a key of its own for each purpose', () => {
  expect(() => new Sealer(ONE, [Buffer.alloc(31)])).toThrow(new TypeError('a key has 32 bytes'))
  expect(sealer.keyIds).toEqual([new Sealer(ONE).keyId, new Sealer(OTHER).keyId])
  const [now, before] = sealer.derive('cookies')
  expect([now, before]).toEqual([new Sealer(ONE).derive('cookies')[0], new Sealer(OTHER).derive('cookies')[0]])
  expect(now).toHaveLength(32)
  expect(now).not.toEqual(before)
  expect(now).not.toEqual(sealer.derive('tokens')[0])
})
