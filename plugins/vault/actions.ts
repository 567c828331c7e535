import type { AnyAction } from '../../src/sdk/index.ts'
import { deleteKvVersion } from './actions/delete-kv-version.ts'
import { destroyKvVersion } from './actions/destroy-kv-version.ts'
import { rotateKvSecret } from './actions/rotate-kv-secret.ts'
import { updatePolicy } from './actions/update-policy.ts'
import type { VaultClient } from './client.ts'
import type { Capability } from './config.ts'

/** What a capability lets the broker do besides granting access. */
const OFFERED_BY: Readonly<Partial<Record<Capability, readonly AnyAction<VaultClient>[]>>> = {
  'rotate-secrets': [rotateKvSecret],
  'delete-versions': [deleteKvVersion],
  'destroy-versions': [destroyKvVersion],
  'change-policies': [updatePolicy],
}

export const actions: readonly AnyAction<VaultClient>[] = Object.values(OFFERED_BY).flat()

export function allowedActions(capabilities: readonly Capability[]): string[] {
  return capabilities.flatMap((capability) => OFFERED_BY[capability] ?? []).map(({ name }) => name)
}
