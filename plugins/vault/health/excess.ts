import { randomBytes, randomInt } from 'node:crypto'
import { hash } from '@node-rs/bcrypt'
import { type HealthCheck, Secret } from '../../../src/sdk/index.ts'
import type { VaultConfig } from '../config.ts'
import type { VaultConnection } from '../connection.ts'
import { covers, exampleOf, wantedRules } from '../minimum-policy.ts'
import { capabilitiesOf } from './capabilities.ts'

/** What the broker could do and never needs: a thief of its token could, too. */
export async function excessChecks(client: VaultConnection, signal: AbortSignal): Promise<HealthCheck[]> {
  const probes = probesFor(client.config)
  const held = await capabilitiesOf(client, [...probes.keys()], signal)
  const found: HealthCheck[] = []
  for (const [path, consequence] of probes) {
    const rights = held.get(path) ?? []
    if (rights.includes('root'))
      return [excess('everything', 'the broker’s token is a root token', 'use a token with the minimum policy')]
    const surplus = rights.filter((right) => !wantedOn(path, client.config).has(right))
    if (surplus.length > 0)
      found.push(
        excess(
          path,
          `${surplus.join(', ')} on ${path}: ${consequence}`,
          `remove ${surplus.join(', ')} from ${path} in the broker’s policy`,
        ),
      )
  }
  if (client.config.capabilities.includes('grants')) found.push(...(await foreignPolicyCheck(client, signal)))
  return found.length > 0
    ? found
    : [{ name: 'excess rights', status: 'ok', detail: `none of the ${probes.size} rights that the broker must not have` }]
}

function probesFor(config: VaultConfig): Map<string, string> {
  const { policyName, policyPrefix, kvMounts, transitMounts } = config
  const own = 'the broker could rewrite its own policy'
  const upper = policyName.toUpperCase()
  const kv = kvMounts === 'all' ? ['kv', 'secret'] : kvMounts
  const transit = transitMounts === 'all' ? ['transit'] : transitMounts
  return new Map([
    ...wantedRules(config).map((rule) => [exampleOf(rule), 'more than is needed'] as const),
    ['latchkey-excess/example', 'there is a rule for every path'],
    ['sys/latchkey-excess', 'there is a rule for every system path'],
    ['auth/latchkey-excess/users/example', 'the broker could take over users of other mounts'],
    ['auth/userpass/users/example', 'the broker could take over people’s users'],
    // Names are folded after the policy was asked: each spelling is a way in.
    ...[policyName, upper, upper[0] + policyName.slice(1), `${policyName} `].map(
      (name) => [`sys/policies/acl/${name}`, own] as const,
    ),
    [`sys/policy/${policyName}`, own],
    ['sys/policies/acl/latchkey-excess', 'the broker could rewrite other policies'],
    [`sys/policy/${policyPrefix}example`, 'the old endpoint is not used'],
    ['auth/token/create', 'the broker could make tokens'],
    ['auth/token/create-orphan', 'the broker could make tokens'],
    ['auth/token/roles/example', 'the broker could make tokens'],
    ['auth/token/accessors/', 'the broker could list every token'],
    ['auth/token/revoke-accessor', 'the broker could end every token'],
    ['identity/entity', 'the broker could give entities policies'],
    ['identity/entity/id/example', 'the broker could change people’s entities'],
    ['identity/entity/merge', 'the broker could merge people'],
    ['identity/entity-alias', 'the broker could become somebody else'],
    ['identity/group', 'the broker could give groups policies'],
    ['identity/group/id/example', 'the broker could give groups policies'],
    ['sys/auth/example', 'the broker could mount logins'],
    ['sys/mounts/example', 'the broker could mount engines'],
    ['sys/audit/example', 'the broker could switch the audit off'],
    ['sys/raw/example', 'the broker could read storage'],
    ['sys/seal', 'the broker could seal the server'],
    ['sys/leases/revoke-force/example', 'leases could be dropped without their secrets'],
    ['sys/leases/revoke-prefix/example', 'the broker could end everybody’s leases'],
    ...kv.flatMap((mount) => [
      [`${mount}/data/latchkey-excess`, 'the broker could read or write secrets'] as const,
      [`${mount}/metadata/latchkey-excess`, 'the broker could destroy secrets'] as const,
      [`${mount}/destroy/latchkey-excess`, 'the broker could destroy secrets'] as const,
    ]),
    ...transit.flatMap((mount) => [
      [`${mount}/keys/latchkey-excess`, 'the broker could change keys'] as const,
      [`${mount}/decrypt/latchkey-excess`, 'the broker could decrypt'] as const,
      [`${mount}/export/encryption-key/latchkey-excess`, 'the broker could take keys away'] as const,
    ]),
  ])
}

function wantedOn(path: string, config: VaultConfig): ReadonlySet<string> {
  return new Set(wantedRules(config).flatMap((rule) => (covers(rule.path, path.replace(/\/$/, '')) ? rule.rights : [])))
}

/** A right cannot show its parameter constraints, so a user with somebody else's policy is tried: the server has to refuse. */
async function foreignPolicyCheck(client: VaultConnection, signal: AbortSignal): Promise<HealthCheck[]> {
  const { userpassMount, policyPrefix } = client.config
  const path = ['auth', userpassMount, 'users', `0-${randomInt(2 ** 47)}`]
  const password = new Secret(await hash(randomBytes(24).toString('base64url'), 5))
  const nobodys = 'latchkey-excess'
  const holes: string[] = []
  try {
    for (const token_policies of [nobodys, `${policyPrefix}0,${nobodys}`]) {
      const body = { password_hash: password, token_policies, token_no_default_policy: true, token_ttl: 1, token_max_ttl: 1 }
      const answer = await client.call({ method: 'POST', path, body, accept: [400, 403, 404], repeatable: true, signal })
      if (answer.status < 300) holes.push(token_policies)
    }
  } finally {
    await client.call({ method: 'DELETE', path, accept: [403, 404], repeatable: true })
  }
  if (holes.length === 0) return []
  return [
    excess(
      `auth/${userpassMount}/users/* any policy`,
      'the broker could give a user any policy, because the rule has no parameter constraints',
      'copy allowed_parameters and denied_parameters from the minimum policy',
    ),
  ]
}

const excess = (what: string, detail: string, fix: string): HealthCheck => ({
  name: `excess ${what}`,
  status: 'warning',
  detail,
  fix,
})
