import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { type LinkedEvent, linkHash, ROOT } from '../../src/audit/link.ts'

const EVENT: LinkedEvent = {
  id: 'aud_1',
  micros: '1700000000000001',
  kind: 'grant.ended',
  actor: 'usr_1',
  subject: 'grt_1',
  body: '{}',
  doneWith: null,
  makers: null,
  address: null,
}
const sha = (previous: string, text: string) => createHash('sha256').update(previous, 'hex').update(text).digest('hex')
const link = (about: Partial<LinkedEvent>) => linkHash(ROOT.hash, 1, { ...EVENT, ...about })

it('a chain begins before its first link at a hash that everybody can compute', () => {
  expect(ROOT).toEqual({ seq: 0, hash: createHash('sha256').update('latchkey').digest('hex') })
})

it('a link hashes the link before, its place and every field, separated by a character no field has', () => {
  const fields = '1\u001faud_1\u001f1700000000000001\u001fgrant.ended\u001fusr_1\u001fgrt_1\u001f{}'
  expect(link({})).toBe(sha(ROOT.hash, fields))
  expect(link({ micros: null })).toBe(sha(ROOT.hash, fields.replace('1700000000000001', 'null')))
  const called = (rest: string) => sha(ROOT.hash, `v2\u001f${fields}\u001f${rest}`)
  expect(link({ doneWith: 'tok_1' })).toBe(called('tok_1\u001f\u001f'))
  expect(link({ makers: 'usr_2,usr_3' })).toBe(called('\u001fusr_2,usr_3\u001f'))
  expect(link({ address: '10.0.0.1' })).toBe(called('\u001f\u001f10.0.0.1'))
  expect(link({ doneWith: '', makers: '', address: '' })).toBe(called('\u001f\u001f'))
})

it('a link is another one when anything in it or before it is', () => {
  const others = [
    linkHash(ROOT.hash, 2, EVENT),
    linkHash('00', 1, EVENT),
    ...(Object.keys(EVENT) as (keyof LinkedEvent)[]).map((field) => link({ [field]: 'x' })),
  ]
  expect(new Set([link({}), ...others]).size).toBe(others.length + 1)
})
