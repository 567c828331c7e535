import type { VaultServer } from './vault-server.ts'
import { waitFor } from './vault-wait.ts'

/** A PKI engine at `pki` with a certificate authority of its own, and roles that it issues by. */
export async function authorityReady(
  { api }: Pick<VaultServer, 'api'>,
  { ttl, roles }: { readonly ttl: string; readonly roles: Readonly<Record<string, object>> },
): Promise<void> {
  await api('POST', 'sys/mounts/pki', { type: 'pki', config: { max_lease_ttl: ttl } })
  const root = 'pki/root'
  await waitFor('the PKI engine', async () => {
    const made = await api('POST', `${root}/generate/internal`, { common_name: 'an authority for trying', key_type: 'ec', ttl })
    return made.status === 200
  })
  for (const [name, role] of Object.entries(roles)) await api('POST', `pki/roles/${name}`, role)
}
