import type { Marked } from '../../src/sdk/index.ts'
import type { VaultCall } from '../../vault/index.ts'
import { deletePolicy } from './actions/grant-policy.ts'
import { listLogins, removeProbeUser, removeUser } from './actions/grant-user.ts'
import type { VaultClient } from './client.ts'
import { ownerOfUser, policyNameFor, userNameFor } from './names.ts'
import { parsePolicyComment } from './policy.ts'
import { PROBE_POLICY, PROBE_USER, probeOf } from './probe-names.ts'
import { firsthand, isAbsent, type Send, sending } from './send.ts'

/**
 * Every policy with our prefix and every user of our mount, with the run and the installation that made them, where their names are those
 * that the run gives: a stamp can be copied. And the tokens of users that are gone: a login that was under way may give one after its user
 * went. What a dead broker's probe left behind, powerless, is removed on the way.
 */
export async function* marked(client: VaultClient, signal: AbortSignal): AsyncGenerator<Marked, void, undefined> {
  const send = sending(client, signal, 'background')
  const { userpassMount: mount, policyPrefix } = client.settings
  for (const name of await namesIn(send, ['sys/policies/acl'])) {
    if (!name.startsWith(policyPrefix)) continue
    const probe = probeOf(name, policyPrefix + PROBE_POLICY)
    if (probe === 'left behind') await deletePolicy(send, name)
    if (probe === 'recent') yield { artefact: `policy ${name}`, underWay: true, remove: () => deletePolicy(send, name) }
    if (probe !== 'none') continue
    const { data } = await send(policyCall(name))
    // Listed and not there: expired, and reaped by this very look.
    if (typeof data['policy'] !== 'string') continue
    const stamp = parsePolicyComment(data['policy'])
    const own = stamp && name === policyNameFor(policyPrefix, stamp.runId) ? stamp : undefined
    yield {
      artefact: `policy ${name}`,
      runId: own?.runId,
      instance: own?.instance,
      stands: async () => !isAbsent(await firsthand(send)(policyCall(name))),
      remove: () => deletePolicy(send, name),
    }
  }
  // Before the users: whose login is listed and who is no user afterwards was removed.
  const loggedIn = await namesIn(send, ['sys/leases/lookup/auth', mount, 'login'])
  const users = await namesIn(send, ['auth', mount, 'users'])
  for (const username of users) {
    const probe = probeOf(username, PROBE_USER)
    const call = { path: ['auth', mount, 'users', username], repeatable: true } as const
    const removeProbe = () => removeProbeUser(send, { mount, username })
    if (probe === 'left behind') await removeProbe()
    if (probe === 'recent') yield { artefact: `user ${username}`, underWay: true, remove: removeProbe }
    if (probe !== 'none') continue
    yield {
      artefact: `user ${username}`,
      ...ownerOfUser(username),
      stands: async () => !isAbsent(await firsthand(send)({ method: 'GET', ...call, accept: [404] })),
      remove: () => removeUser(send, { mount, username }),
    }
  }
  for (const folder of loggedIn) {
    const username = folder.replace(/\/$/, '')
    if (users.includes(username) || probeOf(username, PROBE_USER) !== 'none') continue
    yield {
      artefact: `tokens of ${username}`,
      ...ownerOfUser(username),
      stands: async () => !isAbsent(await listLogins(firsthand(send), { mount, username })),
      remove: () => removeUser(send, { mount, username }),
    }
  }
}

/** By the names of the users there are: a user is made before its policy and goes after it, so where a policy is, its user is. */
export async function standsAgain(
  client: VaultClient,
  { instance, runIds }: { readonly instance: string; readonly runIds: readonly string[] },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const send = firsthand(sending(client, signal, 'background'))
  const users = new Set(await namesIn(send, ['auth', client.settings.userpassMount, 'users']))
  return runIds.filter((runId) => users.has(userNameFor(instance, runId)))
}

function policyCall(name: string): VaultCall {
  return { method: 'GET', path: ['sys/policies/acl', name], accept: [404], repeatable: true }
}

async function namesIn(send: Send, path: string[]): Promise<string[]> {
  const { data } = await send({ method: 'GET', path, list: true, accept: [404], repeatable: true })
  const { keys } = data
  return Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : []
}
