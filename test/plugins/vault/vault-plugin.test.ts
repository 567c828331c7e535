import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { startVaultServer } from '../../../dev/vault/vault-server.ts'
import { setUpVault } from '../../../dev/vault/vault-setup.ts'
import { vault } from '../../../plugins/vault/index.ts'
import { newId } from '../../../src/platform/ids.ts'
import type { Credential } from '../../../src/sdk/index.ts'
import { describePlugin } from '../conformance/plugin.ts'
import { shown } from './vault-grant.ts'
import { host, INSTANCE, keyNamed, secretAt } from './vault-world.ts'

const CANARY = 'canary-value-of-a-secret'

for (const binary of await serversUnderTest()) {
  describePlugin(`Vault’s plugin on ${binary.product}`, async () => {
    const server = await startVaultServer({ binary })
    const common = { address: server.address, kvMounts: ['kv'], transitMounts: ['transit'] }
    const advice = vault.minimumPolicy!(vault.config.parse({ ...common, auth: { method: 'token', token: 'not yet' } }))
    const login = await setUpVault(server, { policy: advice.document })
    const good = { ...common, auth: { method: 'approle', ...login } }
    for (const name of ['app/db', 'app/cache', 'team/deep/one']) {
      await server.api('POST', `kv/data/${name}`, { data: { password: CANARY } })
    }
    await server.api('POST', 'transit/keys/k1', {})
    const tokens = new WeakMap<Credential, Promise<string>>()
    const as = (token: string, method: string, path: string, body?: unknown) =>
      server.api(method, path, body, { 'x-vault-token': token })

    /** A wrapping token is good for one use, so what it gave is kept. */
    const tokenOf = (credential: Credential): Promise<string> => {
      const known = tokens.get(credential) ?? collect(credential)
      tokens.set(credential, known)
      return known
    }
    async function collect(credential: Credential): Promise<string> {
      const answer =
        credential.delivery === 'password'
          ? await as('', 'POST', `auth/apono/login/${shown(credential, 'username')}`, { password: shown(credential, 'password') })
          : await as(shown(credential, 'wrapping_token'), 'POST', 'sys/wrapping/unwrap', {})
      return answer.body?.auth?.client_token ?? ''
    }

    return {
      plugin: vault,
      config: good,
      wrong: [
        { config: { ...good, address: 'ftp://vault.example.com' }, field: 'address' },
        { config: { ...good, auth: { method: 'approle', roleId: 'r' } }, field: 'auth.secretId' },
        { config: { ...good, policyName: 'apono-g-own' }, field: 'policyName' },
      ],
      host: host(),
      input: { resources: [secretAt('app/db', 'read'), keyNamed('k1', 'encrypt')] },
      canaries: [CANARY],
      newRun: (client, secondsLeft) => {
        const until = new Date(Date.now() + secondsLeft * 1000)
        return {
          client,
          runId: newId('run'),
          instance: INSTANCE,
          until,
          msLeft: () => until.getTime() - Date.now(),
          signal: new AbortController().signal,
          stillMine: () => {},
        }
      },
      getsIn: async (credential) => (await as(await tokenOf(credential), 'GET', 'kv/data/app/db')).status === 200,
      stop: () => server.stop(),
    }
  })
}
