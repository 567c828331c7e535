import { authorityReady } from '../../../dev/vault/vault-authority.ts'
import { serversUnderTest } from '../../../dev/vault/vault-binary.ts'
import { startVaultServer } from '../../../dev/vault/vault-server.ts'
import { setUpVault } from '../../../dev/vault/vault-setup.ts'
import { vault } from '../../../plugins/vault/index.ts'
import { policyNameFor, userNameFor } from '../../../plugins/vault/names.ts'
import { newId } from '../../../src/platform/ids.ts'
import type { Credential } from '../../../src/sdk/index.ts'
import { makeCertificate } from '../../support/certificates.ts'
import { pass, startFaultProxy } from '../../support/fault-proxy.ts'
import { describePlugin } from '../conformance/plugin.ts'
import { shown, tracesIn } from './vault-grant.ts'
import { host, INSTANCE, keyNamed, secretAt } from './vault-world.ts'

const CANARY = 'canary-value-of-a-secret'
/** The session of the broker itself. All else asks before it reads as well. */
const OF_NO_RUN = /^auth\/(approle\/login|token\/(lookup|renew)-self)$|^sys\/(health|leader)$/

for (const binary of await serversUnderTest()) {
  describePlugin(`Vault’s plugin on ${binary.product}`, async () => {
    // Servers in another mode are copies of one template, and say that they are one cluster.
    const [server, another] = await Promise.all([startVaultServer({ binary }), startVaultServer({ binary, mode: 'dev' })])
    const proxy = await startFaultProxy(server.address)
    let requests = 0
    proxy.always((call) => {
      if (!OF_NO_RUN.test(call.path)) requests += 1
      return pass(call)
    })
    const common = {
      address: proxy.url,
      kvMounts: ['kv'],
      transitMounts: ['transit'],
      capabilities: ['discovery', 'grants', 'read-certificates', 'issue-certificates'],
      certificatePaths: ['shop', 'none'].map((name) => ({ mount: 'kv', path: `certs/${name}` })),
      pkiRoles: [{ mount: 'pki', role: 'web' }],
    }
    const advice = vault.minimumPolicy!(vault.config.parse({ ...common, auth: { method: 'token', token: 'not yet' } }))
    const login = await setUpVault(server, { policy: advice.document })
    const good = { ...common, auth: { method: 'approle', ...login } }
    for (const name of ['app/db', 'app/cache', 'team/deep/one']) {
      await server.api('POST', `kv/data/${name}`, { data: { password: CANARY } })
    }
    const { pem, keyPem } = makeCertificate({ cn: 'shop.example.com' })
    await server.api('POST', 'kv/data/certs/shop', { data: { certificate: pem, private_key: keyPem } })
    const role = { allowed_domains: ['example.com'], allow_subdomains: true, ttl: '24h' }
    await authorityReady(server, { ttl: '87600h', roles: { web: role } })
    await server.api('POST', 'transit/keys/k1', {})
    const { body: encrypted } = await server.api('POST', 'transit/encrypt/k1', { plaintext: 'YQ==' })
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

    const policyOf = async (runId: string) => {
      const { status, body } = await server.api('GET', `sys/policies/acl/${policyNameFor('apono-g-', runId)}`)
      return status === 200 ? (body.data as { expiration?: string }) : undefined
    }
    /** By whatever way they were made. */
    const tokensWith = async (policy: string): Promise<string[]> => {
      const { body } = await server.api('GET', 'auth/token/accessors?list=true')
      const looks = await Promise.all(
        (body.data.keys as string[]).map((accessor) => server.api('POST', 'auth/token/lookup-accessor', { accessor })),
      )
      return looks
        .filter((look) => look.status === 200 && look.body.data.policies.includes(policy))
        .map((look) => look.body.data.accessor)
    }
    const logsIn = async (username: string, password: string) =>
      (await as('', 'POST', `auth/apono/login/${username}`, { password })).status === 200

    return {
      plugin: vault,
      config: good,
      wrong: [
        { config: { ...good, address: 'ftp://vault.example.com' }, field: 'address' },
        { config: { ...good, auth: { method: 'approle', roleId: 'r' } }, field: 'auth.secretId' },
        { config: { ...good, policyName: 'apono-g-own' }, field: 'policyName' },
      ],
      ill: [
        { ...good, address: 'http://127.0.0.1:1' },
        // Not of the good role: it would be locked after five refusals.
        { ...good, auth: { method: 'approle', roleId: 'not-the-one', secretId: login.secretId } },
      ],
      elsewhere: { ...good, address: another.address },
      alias: { ...good, address: server.address },
      host: host(),
      input: { resources: [secretAt('app/db', 'read'), keyNamed('k1', 'encrypt')] },
      beyond: [
        {
          input: { resources: [secretAt('app/cache', 'read')] },
          getsIn: async (credential) => (await as(await tokenOf(credential), 'GET', 'kv/data/app/cache')).status === 200,
        },
        {
          input: { resources: [secretAt('app/db', 'write')] },
          getsIn: async (credential) =>
            (await as(await tokenOf(credential), 'POST', 'kv/data/app/db', { data: { password: CANARY } })).status === 200,
        },
        {
          input: { resources: [keyNamed('k1', 'decrypt')] },
          getsIn: async (credential) =>
            (await as(await tokenOf(credential), 'POST', 'transit/decrypt/k1', encrypted.data)).status === 200,
        },
      ],
      certificates: {
        kept: { mount: 'kv', path: 'certs/shop' },
        missing: { mount: 'kv', path: 'certs/none' },
        wish: { role: 'web', commonName: 'web.example.com' },
      },
      canaries: [CANARY, keyPem],
      secrets: [login.secretId],
      // A policy with our stamp and not our prefix, and one of our users’ names in a mount of others.
      foreign: async () => {
        const [policy, user] = ['sys/policies/acl/team-readers', `auth/people/users/${userNameFor(INSTANCE, newId('run'))}`]
        const stamp = `# "comment":"latchkey ${INSTANCE} ${newId('run')} until 2099-01-01T00:00:00Z"`
        await server.api('POST', 'sys/auth/people', { type: 'userpass' })
        await server.api('PUT', policy, { policy: `${stamp}\npath "kv/data/app/db" { capabilities = ["read"] }` })
        await server.api('POST', user, { password: 'of-somebody-else', token_policies: ['team-readers'] })
        const looks = async () => [await server.api('GET', policy), await server.api('GET', user)]
        return async () => (await looks()).every(({ status }) => status === 200)
      },
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
      // Not by whether a user is there: by whether a token of the user lives, or a password that one could guess logs in.
      isOpen: async ({ runId, instance }) => {
        if (!(await policyOf(runId))) return false
        const username = userNameFor(instance, runId)
        const leases = await server.api('GET', `sys/leases/lookup/auth/apono/login/${username}?list=true`)
        return leases.status === 200 || (await logsIn(username, username)) || logsIn(username, runId)
      },
      waysIn: async ({ runId }) => (await tokensWith(policyNameFor('apono-g-', runId))).length,
      endOf: async ({ runId }) => {
        const { expiration } = (await policyOf(runId)) ?? {}
        return expiration === undefined ? undefined : new Date(expiration)
      },
      requests: () => requests,
      snapshot: () => tracesIn(server),
      stop: async () => {
        await proxy.close()
        await Promise.all([server.stop(), another.stop()])
      },
    }
  })
}
