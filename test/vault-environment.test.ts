import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { connectionFrom } from '../plugins/vault/client/environment.ts'

const env = { VAULT_ADDR: 'https://env:8200', VAULT_ROLE_ID: 'role', VAULT_SECRET_ID: 'secret' }
const tokenEnv = { VAULT_ADDR: 'https://env:8200', VAULT_TOKEN: 'token' }

it('takes address and login from the environment, and what is given before that', async () => {
  expect(await connectionFrom({}, { ...env, VAULT_NAMESPACE: 'team', VAULT_CACERT: '/ca.pem' })).toEqual({
    address: 'https://env:8200',
    namespace: 'team',
    caFile: '/ca.pem',
    auth: { method: 'approle', roleId: 'role', secretId: 'secret' },
  })
  expect(await connectionFrom({ address: 'https://mine' }, tokenEnv)).toMatchObject({
    address: 'https://mine',
    auth: { token: 'token' },
  })
  expect((await connectionFrom({ token: 'mine' }, env)).auth).toEqual({ method: 'token', token: 'mine' })
  expect((await connectionFrom({ roleId: 'r', secretId: 's' }, tokenEnv)).auth).toMatchObject({ roleId: 'r', secretId: 's' })
  expect((await connectionFrom({ roleId: 'r' }, env)).auth).toMatchObject({ roleId: 'r', secretId: 'secret' })
})

it('asks for the address before anything else', async () => {
  await expect(connectionFrom({ token: 't', roleId: 'r' }, {})).rejects.toMatchObject({ code: 'input.invalid', field: 'address' })
})

it.each([
  [{}, { ...env, ...tokenEnv }, 'there is a token (VAULT_TOKEN) and a role ID (VAULT_ROLE_ID)'],
  [{ token: 't', roleId: 'r', secretId: 's' }, tokenEnv, 'there is a token (given) and a role ID (given)'],
  [{ roleId: 'r' }, { VAULT_ADDR: 'x' }, 'a role ID (given) needs a secret ID'],
  [{}, { VAULT_ADDR: 'x', VAULT_SECRET_ID: 's' }, 'a secret ID (VAULT_SECRET_ID) needs a role ID'],
  [{}, { VAULT_ADDR: 'x' }, 'there is nothing to log in with'],
])('refuses a login that is none or two, and says where each half came from: %j', async (given, environment, message) => {
  await expect(connectionFrom(given, environment)).rejects.toMatchObject({ code: 'input.invalid', field: 'auth', message })
})

it('reads the address from a file last, and only from one that nobody else can open', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'latchkey-env-'))
  const file = path.join(folder, 'vault.json')
  await writeFile(file, JSON.stringify({ vault_addr: 'https://file:8200' }), { mode: 0o600 })
  expect((await connectionFrom({ token: 't' }, {}, file)).address).toBe('https://file:8200')
  expect((await connectionFrom({}, tokenEnv, file)).address).toBe('https://env:8200')
  await chmod(file, 0o644)
  await expect(connectionFrom({ token: 't' }, {}, file)).rejects.toMatchObject({ fix: `chmod 600 ${file}` })
  await writeFile(file, 'nonsense')
  await chmod(file, 0o600)
  await expect(connectionFrom({ token: 't' }, {}, file)).rejects.toMatchObject({ code: 'input.invalid', fix: 'correct the file' })
  await rm(folder, { recursive: true })
})
