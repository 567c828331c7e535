import type { HealthCheck } from '../../../src/sdk/index.ts'
import type { VaultConnection } from '../connection.ts'

const SHORT_SECONDS = 300

/** What is wrong with the broker's own token, besides its rights. */
export async function tokenChecks(client: VaultConnection, signal: AbortSignal): Promise<HealthCheck[]> {
  const { data } = await client.call({ method: 'GET', path: ['auth/token/lookup-self'], repeatable: true, signal })
  const ttl = Number(data['ttl'] ?? 0)
  const policies = Array.isArray(data['policies']) ? data['policies'].map(String) : []
  const byLogin = client.config.auth.method !== 'token'
  const uses = client.session.usesOfAToken()
  const complaints: [boolean, string, string][] = [
    [
      policies.includes('root'),
      'the broker works with a root token',
      `use an AppRole with the policy ${client.config.policyName}`,
    ],
    [
      uses !== undefined,
      `each of the broker’s tokens serves only ${uses} calls (token_num_uses), so the broker logs in again and again`,
      byLogin ? 'set token_num_uses=0 on the broker’s role' : 'use a token without num_uses',
    ],
    [ttl === 0, 'the broker’s token never ends', 'use AppRole, or a periodic token'],
    [
      !byLogin && ttl > 0 && data['renewable'] !== true,
      `the broker’s token cannot be renewed and ends in ${ttl} s`,
      'use AppRole, or a periodic token',
    ],
    [byLogin && ttl > 0 && ttl < SHORT_SECONDS, `the broker’s tokens live only ${ttl} s`, 'set token_ttl of its role to 60m'],
    [
      policies.includes('default'),
      'the broker’s token also has the policy “default”',
      'set token_no_default_policy=true on the broker’s role',
    ],
    [data['orphan'] === false, 'the broker’s token ends together with the token that made it', 'create the token with -orphan'],
  ]
  const found = complaints.filter(([holds]) => holds)
  if (found.length === 0)
    return [{ name: 'token', status: 'ok', detail: `ends in ${ttl} s unless renewed, policies: ${policies.join(', ')}` }]
  return found.map(([, detail, fix], at) => ({ name: `token ${at + 1}`, status: 'warning', detail, fix }))
}
