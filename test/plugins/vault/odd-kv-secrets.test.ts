import { describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { rotateKvSecret } from '../../../plugins/vault/actions/rotate-kv-secret.ts'
import { BrokerError } from '../../../src/sdk/index.ts'
import { CANARY, rotationHere } from './kv-rotation.ts'
import { done, type KvWorld } from './kv-secrets.ts'
import { DB, given, made } from './rotation-values.ts'

const servers = await serversUnderTest()

describe.each(servers)('The rotation of a secret on $product', (binary) => {
  let world: KvWorld
  let first: number
  const { plan, rotated, undo } = rotationHere(binary, (there, version) => {
    world = there
    first = version
  })

  it('names the secret as discovery does', () => {
    const input = rotateKvSecret.input.parse({ ...DB, mount: '/kv/', fields: { password: made } })
    expect(rotateKvSecret.concerns!(input)).toEqual([{ type: 'vault-kv-secret', name: 'kv/app/db' }])
    expect(rotateKvSecret.writes!(input)).toEqual(['kv/app/db'])
  })

  it.each(['it’s "a" secret', 'app/100% of it', 'patch', 'a?version=1&x#y', 'data/ünï/💥', 'app/*', '+/x', '$x/{{y}}'])(
    'rotates a secret named %s, and only that',
    async (name) => {
      await world.write(name, { password: CANARY })
      const use = await done(rotateKvSecret, await plan({ password: made }, { mount: 'kv', path: name }))
      expect((await world.fields(name))!['password']).not.toBe(CANARY)
      await undo(use)
      expect(await world.fields(name)).toEqual({ password: CANARY })
    },
  )

  it.each(['constructor', 'a.b', ' ', '"quoted"', '💥'])('rotates a field named %s', async (name) => {
    const fields = JSON.parse(`{${JSON.stringify(name)}: "old", "other": "kept"}`)
    await world.write('app/db', fields)
    await rotated({ [name]: given('new') })
    expect(await world.fields('app/db')).toEqual({ [name]: 'new', other: 'kept' })
  })

  it('keeps a field named __proto__', async () => {
    const fields = JSON.parse('{"__proto__": "kept", "password": "old"}')
    await world.write('app/db', fields)
    const use = await rotated({ password: given('new') })
    expect(JSON.stringify(await world.fields('app/db'))).toBe('{"__proto__":"kept","password":"new"}')
    await undo(use)
    expect(JSON.stringify(await world.fields('app/db'))).toBe('{"__proto__":"kept","password":"old"}')
  })

  it('rotates a secret of almost a megabyte and puts it back', async () => {
    const large = 'x'.repeat(700_000)
    await world.write('app/large', { large, password: CANARY })
    const use = await done(rotateKvSecret, await plan({ password: made }, { mount: 'kv', path: 'app/large' }))
    expect((await world.fields('app/large'))!['large']).toBe(large)
    await undo(use)
    expect(await world.fields('app/large')).toEqual({ large, password: CANARY })
  })

  it('passes on that a value is too large for the server, without it and without a change', async () => {
    const use = await plan({ password: given('y'.repeat(1_900_000)) })
    const refusal = await rotateKvSecret.execute(use.ctx, use.steps[0]!).catch((error) => error)
    expect(refusal).toBeInstanceOf(BrokerError)
    expect(String(refusal)).not.toContain('yyyy')
    expect(await world.current('app/db')).toBe(first)
  })

  it('leaves what is said about the secret alone', async () => {
    await world.api('POST', 'kv/metadata/app/db', { custom_metadata: { team: 'payments' }, max_versions: 7, cas_required: true })
    const use = await rotated()
    const metadata = async () => (await world.api('GET', 'kv/metadata/app/db')).body.data
    expect(await metadata()).toMatchObject({ custom_metadata: { team: 'payments' }, max_versions: 7, cas_required: true })
    await undo(use)
    expect(await metadata()).toMatchObject({ custom_metadata: { team: 'payments' }, max_versions: 7, cas_required: true })
  })

  it.each([
    ['beyond 2^53', '{"data": {"id": 9007199254740993, "password": "p"}}'],
    ['at 2^53, which others are rounded to', '{"data": {"id": 9007199254740992, "password": "p"}}'],
    ['beyond 2^53 deep inside', '{"data": {"deep": [{"id": -90071992547409931}], "password": "p"}}'],
  ])('refuses a secret that holds a whole number %s', async (_, body) => {
    const written = await fetch(`${world.server.address}/v1/kv/data/app/db`, {
      method: 'POST',
      headers: { 'x-vault-token': world.server.rootToken },
      body,
    })
    expect(written.status).toBe(200)
    await expect(plan({ password: made })).rejects.toMatchObject({ code: 'target.unsupported', field: 'input.path' })
  })

  it('keeps the largest exact whole number and fractions', async () => {
    await world.write('app/db', {
      id: Number.MAX_SAFE_INTEGER,
      less: Number.MIN_SAFE_INTEGER,
      part: 0.1,
      tiny: 1e-9,
      password: 'p',
    })
    await rotated()
    expect(await world.fields('app/db')).toMatchObject({
      id: Number.MAX_SAFE_INTEGER,
      less: Number.MIN_SAFE_INTEGER,
      part: 0.1,
      tiny: 1e-9,
    })
  })

  it.each([
    ['a KV version 1 mount', { mount: 'old', path: 'x' }, 'target.unsupported', 'input.mount'],
    ['a mount that is not there', { mount: 'gone', path: 'x' }, 'input.invalid', 'input.mount'],
    ['a mount that the integration does not cover', { mount: 'second', path: 'x' }, 'input.invalid', 'input.mount'],
    ['a mount of another kind', { mount: 'transit', path: 'x' }, 'input.invalid', 'input.mount'],
    ['a secret that is not there', { mount: 'kv', path: 'app/gone' }, 'input.invalid', 'input.path'],
  ])('is not planned on %s', async (_, place, code, field) => {
    await expect(plan({ password: made }, place)).rejects.toMatchObject({ code, field, fix: expect.any(String) })
  })

  it.each([
    ['deleted', () => world.api('DELETE', 'kv/data/app/db')],
    ['destroyed', () => world.api('POST', 'kv/destroy/app/db', { versions: [first] })],
  ])('is not planned on a secret whose current version is %s', async (state, before) => {
    await before()
    await expect(plan({ password: made })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(state),
      fix: expect.any(String),
    })
  })

  it('is not planned for a field that the secret does not have', async () => {
    await expect(plan({ pasword: made })).rejects.toMatchObject({
      code: 'input.invalid',
      field: 'input.fields.pasword',
      fix: expect.stringContaining('password'),
    })
  })
})
