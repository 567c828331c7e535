import { BrokerError, type TargetIdentity } from '../../src/sdk/index.ts'
import type { VaultClient } from './client.ts'

/** Standbys and secondaries know whose they are; what is sealed or empty does not. */
const TELLS = [429, 472, 473, 474]

/**
 * The cluster that answers, by the number it gave itself when it was initialised, and the namespace that the login was found to be in. Asked once: everything that
 * ends access comes back by itself, and must not sit out a server's absence here.
 */
export async function identify(client: VaultClient, signal: AbortSignal): Promise<TargetIdentity> {
  const { body, requestId } = await client.call({
    method: 'GET',
    path: ['sys/health'],
    query: { standbyok: 'true', perfstandbyok: 'true' },
    token: 'none',
    namespaced: false,
    accept: TELLS,
    signal,
  })
  const { cluster_id: cluster } = body
  if (typeof cluster !== 'string' || cluster === '') {
    throw new BrokerError('target.unexpected', 'the server does not tell its cluster’s id', {
      requestId,
      fix: 'check that a proxy in front of the server passes sys/health on',
    })
  }
  return { cluster, namespace: client.settings.namespace ?? 'root' }
}
