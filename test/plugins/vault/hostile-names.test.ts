import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { grantAccess } from '../../../plugins/vault/actions/grant-access.ts'
import { isBrokerError } from '../../../src/sdk/index.ts'
import { collected, givenAGrant, takeBack } from './vault-grant.ts'
import type { Request } from './vault-permissions.ts'
import { keyNamed, secretAt, type VaultWorld, vaultWorld } from './vault-world.ts'

const SECRETS = [
  'db',
  'd+',
  '+',
  '*',
  'd*',
  'd*b',
  '{{identity.entity.id}}',
  '\u0024{db}',
  '"db"',
  'd b',
  'd\\b',
  '#db',
  'd?b',
  'däb',
]
const KEYS = ['k1', 'k.1', 'k-1', 'k_1', 'K1', 'k']

/** One thing that somebody with this permission may do there. */
const OF_SECRETS: Record<string, (path: string) => Request> = {
  read: (path) => ['GET', `kv/data/${path}`],
  write: (path) => ['POST', `kv/data/${path}`, { data: { a: '2' } }],
  metadata: (path) => ['GET', `kv/metadata/${path}`],
  delete: (path) => ['DELETE', `kv/data/${path}`],
}
const OF_KEYS: Record<string, (path: string) => Request> = {
  encrypt: (name) => ['POST', `transit/encrypt/${name}`, { plaintext: 'YQ==' }],
  hmac: (name) => ['POST', `transit/hmac/${name}`, { input: 'YQ==' }],
  read: (name) => ['GET', `transit/keys/${name}`],
}
const at = (name: string) => `odd/${encodeURIComponent(name)}`

describe.each(await serversUnderTest())(
  'a grant on $product $version for one of many things with names like patterns',
  (binary) => {
    let world: VaultWorld
    beforeAll(async () => {
      world = await vaultWorld({}, binary)
      for (const name of SECRETS)
        expect((await world.api('POST', `kv/data/${at(name)}`, { data: { a: '1' } })).status, name).toBe(200)
      for (const name of KEYS) await world.api('POST', `transit/keys/${name}`, {})
    })
    afterAll(() => world?.stop())

    /** What of all these somebody may do who has this; undefined when it is refused. */
    async function reach(resource: Parameters<typeof givenAGrant>[1][number], requests: readonly Request[]) {
      const grant = await givenAGrant(world, [resource]).catch((error: unknown) => {
        if (isBrokerError(error, 'access.ungrantable')) return undefined
        throw error
      })
      if (!grant) return undefined
      const token = await collected(world, await grantAccess.open(grant.ctx, grant.steps, 'token'))
      const reached: string[] = []
      for (const [method, path, body] of requests) {
        if ((await world.api(method, path, body, { 'x-vault-token': token })).status !== 403) reached.push(`${method} ${path}`)
      }
      await takeBack(grant)
      return reached
    }

    it.each(Object.keys(OF_SECRETS))('lets somebody %s that secret and no other, or is refused', async (permission) => {
      const requests = SECRETS.flatMap((name) => Object.values(OF_SECRETS).map((request) => request(at(name))))
      const refused: string[] = []
      for (const name of SECRETS) {
        const reached = await reach(secretAt(`odd/${name}`, permission), requests)
        const [method, path] = OF_SECRETS[permission]!(at(name))
        if (reached) expect(reached, name).toEqual([`${method} ${path}`])
        else refused.push(name)
      }
      expect(refused).toEqual(['+', '*', 'd*', '{{identity.entity.id}}'])
    })

    it.each(Object.keys(OF_KEYS))('lets somebody %s that key and no other', async (permission) => {
      const requests = KEYS.flatMap((name) => Object.values(OF_KEYS).map((request) => request(name)))
      for (const name of KEYS) {
        const [method, path] = OF_KEYS[permission]!(name)
        expect(await reach(keyNamed(name, permission), requests), name).toEqual([`${method} ${path}`])
      }
    })
  },
)
