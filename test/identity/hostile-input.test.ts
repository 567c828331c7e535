import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Scope } from '../../src/contract/identity.ts'
import { type Broker, startBroker } from '../support/broker.ts'
import { NOBODY, person as newPerson } from '../support/persons.ts'

let broker: Broker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker?.close())

const person = (...asked: [roles?: string[], scopes?: Scope[]]) => newPerson(broker, ...asked)

describe('hostile input', () => {
  const STRINGS = {
    empty: '',
    blank: '   ',
    NUL: 'a\u0000b',
    'lone surrogate': '\ud800',
    'line break': 'a\nb',
    'escape sequence': '\u001b[31mred',
    'text that turns around': 'user\u202etxt',
    'zero width': 'ad\u200bmin',
    'too long': 'x'.repeat(101),
    number: -7,
    list: ['a'],
    object: { $gt: '' },
    null: null,
  }
  const token = { name: 'x', scopes: ['read'], expiresInSeconds: 60 }
  const FIELDS: [path: string, field: string, rest: object][] = [
    ['/api/users', 'name', {}],
    ['/api/groups', 'name', {}],
    ['/api/tokens', 'name', token],
    ['/api/tokens', 'userId', token],
    ['/api/users', 'roles', { name: 'x' }],
    ['/api/tokens', 'scopes', token],
    ['/api/tokens', 'expiresInSeconds', token],
  ]
  it.each(FIELDS)('is refused by %s in %s', async (path, field, rest) => {
    for (const [what, value] of Object.entries(STRINGS)) {
      const { status, body } = await broker.admin.post(path, { ...rest, [field]: value })
      expect({ what, status, code: body.code, field: body.field.split('.')[0] }).toEqual({
        what,
        status: 400,
        code: 'input.invalid',
        field,
      })
    }
  })

  it('is refused as an email address', async () => {
    for (const email of ['', 'a', 'a@b', 'a@b.c\u0000', 'a@b.c\nbcc: d@e.f', `${'x'.repeat(250)}@b.de`, 7]) {
      expect(await broker.admin.post('/api/users', { name: 'x', email })).toMatchObject({ status: 400, body: { field: 'email' } })
    }
  })

  it('is refused in a change, as is a change of nothing or of what cannot change', async () => {
    const { id } = await person()
    const changes = [
      {},
      { name: '' },
      { name: 'a\u0000' },
      { state: 'deleted' },
      { roles: ['root'] },
      { id: NOBODY },
      { createdAt: 'now' },
    ]
    for (const change of changes) expect((await broker.admin.patch(`/api/users/${id}`, change)).status).toBe(400)
  })

  it('is only text where text may be anything', async () => {
    for (const name of [
      `Robert'); drop table users;--`,
      '<script>',
      '$(reboot)',
      '{{7*7}}',
      '../../etc',
      '👩🏽‍💻'.replaceAll('\u200d', ''),
      '\\',
      '"',
    ]) {
      const created = await broker.admin.post('/api/users', { name })
      expect(created, name).toMatchObject({ status: 201, body: { name } })
    }
  })
})
