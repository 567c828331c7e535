import type { Plugin } from '../../src/sdk/index.ts'
import { grantAccess } from './actions/grant-access.ts'
import { actions, allowedActions } from './actions.ts'
import { certificateSources } from './certificates/sources.ts'
import { type VaultConfig, vaultConfig } from './config.ts'
import { connectVault, type VaultConnection } from './connection.ts'
import { describe, discover } from './discovery.ts'
import { distribution } from './distribution.ts'
import { health } from './health.ts'
import { identify } from './identity.ts'
import { marked, standsAgain } from './marked.ts'
import { minimumPolicy } from './minimum-policy.ts'
import { resourceTypes } from './resource-types.ts'
import { findsSign, leaveSign } from './sign.ts'

/** HashiCorp Vault and OpenBao: temporary users with a policy for exactly what was approved. */
export const vault: Plugin<VaultConfig, VaultConnection> = {
  manifest: {
    id: 'vault',
    name: 'HashiCorp Vault and OpenBao',
    vendor: 'Latchkey',
    description: 'Just-in-time access to KV v2 secrets and Transit keys, through temporary users that end by themselves.',
    sdk: 1,
    guide: 'docs/integrations/vault.md',
  },
  config: vaultConfig,
  secretsGoTo: ['address', 'namespace', 'proxy', 'redirectHosts', 'caPem', 'caFile', 'auth.method', 'auth.mount'],
  livesAt: { system: ['address', 'namespace'], inside: ['userpassMount', 'policyPrefix'] },
  identify,
  connect: connectVault,
  health,
  keepAlive: (client, signal) => client.session.keepAlive(signal),
  session: (client) => client.session.status(),
  close: (client) => client.close(),
  beforeSetUp: { auth: { method: 'approle', roleId: 'not made yet' } },
  minimumPolicy,
  resourceTypes,
  discover,
  describe,
  grantAccess,
  allowedDeliveries: ({ deliveries }) => deliveries,
  marked,
  leaveSign,
  findsSign,
  standsAgain,
  distribution,
  certificateSources,
  actions,
  allowedActions: ({ capabilities }) => allowedActions(capabilities),
}
