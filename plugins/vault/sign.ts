import { BrokerError, Secret } from '../../src/sdk/index.ts'
import type { VaultClient } from './client/client.ts'

const SIGN_LIVES_SECONDS = 2 * 3600

/** A wrapping token around nothing: a snapshot taken before does not know it. Whoever has it can open it, and finds these words. */
export async function leaveSign(client: VaultClient, signal: AbortSignal): Promise<string> {
  const { body, requestId } = await client.call({
    method: 'POST',
    path: ['sys/wrapping/wrap'],
    body: { latchkey: 'a sign, by which it shows when an earlier snapshot is put back' },
    wrapTtlSeconds: SIGN_LIVES_SECONDS,
    signal,
  })
  const wrap = body['wrap_info']
  if (typeof wrap === 'object' && wrap !== null && 'token' in wrap && typeof wrap.token === 'string') return wrap.token
  throw new BrokerError('target.unexpected', 'sys/wrapping/wrap was not answered with a wrapping token', { requestId })
}

export async function findsSign(client: VaultClient, sign: string, signal: AbortSignal): Promise<boolean> {
  const path = ['sys/wrapping/lookup']
  const answer = await client.call({
    method: 'POST',
    path,
    body: { token: new Secret(sign) },
    token: 'none',
    accept: [400],
    fromActive: true,
    rank: 'background',
    repeatable: true,
    signal,
  })
  return !answer.errors.some((error) => error.includes('wrapping token is not valid'))
}
