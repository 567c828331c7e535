import type { AnyAction } from '../../src/sdk/index.ts'
import { deleteKvVersion } from './actions/delete-kv-version.ts'
import { destroyKvVersion } from './actions/destroy-kv-version.ts'
import { revokeToken } from './actions/revoke-token.ts'
import { rotateDatabaseCredentials } from './actions/rotate-database-credentials.ts'
import { rotateKvSecret } from './actions/rotate-kv-secret.ts'
import { updatePolicy } from './actions/update-policy.ts'
import { distributeCertificate } from './certificates/distribute-certificate.ts'
import { issueCertificate } from './certificates/issue-certificate.ts'
import type { VaultClient } from './client.ts'
import type { Capability } from './config.ts'

/** What a capability lets the broker do besides granting access. */
const OFFERED_BY: Readonly<Record<Capability, readonly AnyAction<VaultClient>[]>> = {
  discovery: [],
  grants: [],
  'rotate-secrets': [rotateKvSecret],
  'delete-versions': [deleteKvVersion],
  'destroy-versions': [destroyKvVersion],
  'change-policies': [updatePolicy],
  'revoke-tokens': [revokeToken],
  'rotate-database': [rotateDatabaseCredentials],
  'read-certificates': [],
  'issue-certificates': [issueCertificate],
  distribution: [distributeCertificate],
}

export const actions: readonly AnyAction<VaultClient>[] = Object.values(OFFERED_BY).flat()

export function allowedActions(capabilities: readonly Capability[]): string[] {
  return capabilities.flatMap((capability) => OFFERED_BY[capability]).map(({ name }) => name)
}
