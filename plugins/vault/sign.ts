import { BrokerError } from '../../src/sdk/index.ts'
import type { VaultClient } from './client.ts'

const SIGN_LIVES_SECONDS = 2 * 3600

/** The accessor of a wrapping token around nothing: a snapshot taken before does not know it. The token itself is forgotten here. */
export async function leaveSign(client: VaultClient, signal: AbortSignal): Promise<string> {
  const { body, requestId } = await client.call({
    method: 'POST',
    path: ['sys/wrapping/wrap'],
    body: { latchkey: 'a sign, by which it shows when an earlier snapshot is put back' },
    wrapTtlSeconds: SIGN_LIVES_SECONDS,
    signal,
  })
  const wrap = body['wrap_info']
  if (typeof wrap === 'object' && wrap !== null && 'accessor' in wrap && typeof wrap.accessor === 'string') return wrap.accessor
  throw new BrokerError('target.unexpected', 'sys/wrapping/wrap was not answered with a wrapping token', { requestId })
}

export async function findsSign(client: VaultClient, accessor: string, signal: AbortSignal): Promise<boolean> {
  const answer = await client.call({
    method: 'POST',
    path: ['auth/token/lookup-accessor'],
    body: { accessor },
    accept: [400],
    fromActive: true,
    rank: 'background',
    repeatable: true,
    signal,
  })
  return !answer.errors.some((error) => error.includes('invalid accessor'))
}
