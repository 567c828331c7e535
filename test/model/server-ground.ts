import { startVaultServer, type VaultServer } from '../../dev/vault/vault-server.ts'
import { policyNameFor, userNameFor } from '../../plugins/vault/names.ts'
import { type FaultProxy, pass, startFaultProxy } from '../support/fault-proxy.ts'
import { furnished, tries } from '../support/world.ts'
import type { Meddling, Mishap } from './commands.ts'
import type { Credential, Ground, Place, Power } from './ground.ts'

/** What the tests' brokers stamp their work with, and where they work. */
const INSTANCE = '4711081542'
const PREFIX = 'apono-g-'
const MOUNT = 'auth/apono'
const SECRET = 'kv/data/app/db'

/** A real server, for one story after another. The broker reaches it through a proxy that can fail. */
export async function serverGround(): Promise<Ground> {
  const vault = await startVaultServer({ audit: false })
  const [proxy, config] = await Promise.all([startFaultProxy(vault.address), furnished(vault)])
  const settings = { ...config, address: proxy.url, deliveries: ['token', 'password'] }
  return {
    begin: async () => placeOn(vault, proxy, settings),
    async close() {
      await proxy.close()
      await vault.stop()
    },
  }
}

function placeOn(vault: VaultServer, proxy: FaultProxy, config: Readonly<Record<string, unknown>>): Place {
  const list = async (path: string): Promise<string[]> => (await vault.api('GET', `${path}?list=true`)).body?.data?.keys ?? []
  const policyOf = (run: string) => policyNameFor(PREFIX, run)
  const userOf = (run: string) => userNameFor(INSTANCE, run)
  let isAway = false
  let mishap: { readonly how: Mishap; left: number } | undefined
  proxy.always(async (call) => {
    if (isAway) return call.drop()
    const isMeant = mishap?.how === 'ignored' ? call.name?.startsWith('DELETE') : call.name !== undefined
    if (!isMeant || !mishap || mishap.left <= 0) return pass(call)
    mishap.left -= 1
    if (mishap.how === 'ignored') return call.reply({ status: 204, body: '' })
    if (mishap.how === 'unanswered') await call.forward()
    call.drop()
  })
  return {
    integration: { plugin: 'vault', config },
    resource: { type: 'vault-kv-secret', name: 'kv/app/db', permission: 'read' },
    goAway() {
      isAway = true
    },
    comeBack() {
      isAway = false
    },
    fail(how, times) {
      mishap = { how, left: times }
    },
    turn: undefined,
    past: undefined,
    receive: (_run, fields) => received(vault, fields),
    async left(runs) {
      const [policies, users, logins, aliases] = await Promise.all([
        list('sys/policies/acl'),
        list(`${MOUNT}/users`),
        list(`sys/leases/lookup/${MOUNT}/login`),
        aliasesIn(vault, await list('identity/entity-alias/id')),
      ])
      const found = runs.map((run) => {
        const [policy, user] = [policyOf(run), userOf(run)]
        const pieces = [
          policies.includes(policy) && `policy ${policy}`,
          users.includes(user) && `user ${user}`,
          logins.includes(`${user}/`) && `tokens of ${user}`,
          aliases.includes(user) && `alias ${user}`,
        ]
        return [run, pieces.filter((piece) => piece !== false)] as const
      })
      return new Map(found)
    },
    async powers() {
      const policies = (await list('sys/policies/acl')).filter((name) => name.startsWith(PREFIX) && !name.includes('probe'))
      const logins = new Set(await list(`sys/leases/lookup/${MOUNT}/login`))
      const runs = policies.map((name) => `run_${name.slice(PREFIX.length)}`)
      return runs.flatMap((run): Power[] => (logins.has(`${userOf(run)}/`) ? [{ run, how: `tokens of ${userOf(run)}` }] : []))
    },
    meddle: (run, how) => meddle(vault, `sys/policies/acl/${policyOf(run)}`, `${MOUNT}/users/${userOf(run)}`, how),
    missed: async () => [],
  }
}

async function received(vault: VaultServer, fields: Readonly<Record<string, string>>): Promise<Credential> {
  const { username, password, ...wrapping } = fields
  let token: string | undefined
  if (password === undefined) {
    const unwrapped = await vault.api('POST', 'sys/wrapping/unwrap', {}, { 'x-vault-token': Object.values(wrapping)[0]! })
    token = unwrapped.body?.auth?.client_token
  }
  return {
    async works() {
      if (token !== undefined && (await tries(vault, token, 'GET', SECRET)) === 200) return true
      if (password === undefined) return false
      token = (await vault.api('POST', `${MOUNT}/login/${username}`, { password })).body?.auth?.client_token
      return token !== undefined && (await tries(vault, token, 'GET', SECRET)) === 200
    },
  }
}

async function meddle(vault: VaultServer, policy: string, user: string, how: Meddling): Promise<void> {
  switch (how) {
    case 'account deleted':
      await vault.api('DELETE', user)
      return
    case 'rule deleted':
      await vault.api('DELETE', policy)
      return
    case 'rule changed': {
      const { policy: text, expiration } = (await vault.api('GET', policy)).body.data
      const more = JSON.parse(text)
      more.path['kv/data/app/cache'] = { capabilities: ['read'] }
      await vault.api('PUT', policy, { policy: JSON.stringify(more), ...(expiration && { expiration }) })
      return
    }
    case 'rule copied': // its name would have to be one of the broker's, and other stories would meet it
  }
}

async function aliasesIn(vault: VaultServer, ids: readonly string[]): Promise<string[]> {
  const found = await Promise.all(ids.map(async (id) => (await vault.api('GET', `identity/entity-alias/id/${id}`)).body?.data))
  return found.flatMap((alias) => (alias?.mount_path === `${MOUNT}/` ? [alias.name as string] : []))
}
