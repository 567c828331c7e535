import { Agent, request } from 'undici'
import { TLS_SIGNATURES } from '../platform/http/tls-signatures.ts'
import { BrokerError, isBrokerError, type Secret } from '../sdk/index.ts'
import { allowedAddresses, type Liberty, type Resolve, type ResolvedAddress, receiverUrl } from './url-guard.ts'
import { type SignedMessage, signatureOf } from './webhook-signature.ts'

const PATIENCE_MS = 10_000
const MOST_BYTES = 64 * 1024

export interface Posting extends Liberty {
  readonly url: string
  readonly message: SignedMessage
  readonly secrets: readonly Secret[]
  readonly signal: AbortSignal
  readonly resolve?: Resolve
}

/**
 * One attempt; answers the receiver's status when that says it took the message. The address that was checked is the one that is
 * connected to, nothing is followed, and of the answer only the status is told on.
 */
export async function postWebhook(posting: Posting): Promise<number> {
  const url = receiverUrl(posting.url, posting)
  const signal = AbortSignal.any([posting.signal, AbortSignal.timeout(PATIENCE_MS)])
  const addresses = await Promise.race([allowedAddresses(url, posting, posting.resolve), aborted(signal, url)])
  const agent = new Agent({
    connect: { lookup: pinnedTo(addresses), timeout: PATIENCE_MS, sigalgs: TLS_SIGNATURES },
    maxHeaderSize: 16 * 1024,
    pipelining: 0,
    allowH2: false,
  })
  try {
    const { statusCode, body } = await request(url, {
      method: 'POST',
      dispatcher: agent,
      signal,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'latchkey',
        'webhook-id': posting.message.id,
        'webhook-timestamp': String(posting.message.timestamp),
        'webhook-signature': signatureOf(posting.message, posting.secrets),
      },
      body: posting.message.body,
    })
    // It has its message once it said so, however its answer goes on.
    await body.dump({ limit: MOST_BYTES, signal }).catch(() => {})
    if (statusCode >= 200 && statusCode < 300) return statusCode
    throw unwelcome(url, statusCode)
  } catch (error) {
    throw isBrokerError(error) ? error : unreached(url, error, signal)
  } finally {
    await agent.destroy()
  }
}

type Found = (error: Error | null, address: string | ResolvedAddress[], family?: number) => void

function pinnedTo(addresses: readonly ResolvedAddress[]) {
  return (_host: string, options: { all?: boolean }, found: Found) => {
    if (options.all) found(null, [...addresses])
    else found(null, addresses[0]!.address, addresses[0]!.family)
  }
}

function aborted(signal: AbortSignal, url: URL): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(unreached(url, signal.reason, signal))
    if (signal.aborted) return stop()
    signal.addEventListener('abort', stop, { once: true })
  })
}

function unwelcome(url: URL, status: number): BrokerError {
  const what = status >= 300 && status < 400 ? `redirected (${status}), which is not followed` : `answered ${status}`
  return new BrokerError('target.failed', `${url.hostname} ${what}`)
}

function unreached(url: URL, cause: unknown, signal: AbortSignal): BrokerError {
  if (signal.aborted) {
    return new BrokerError('target.timeout', `${url.hostname} did not answer within ${PATIENCE_MS / 1000} s`, { cause })
  }
  const { code } = (cause ?? {}) as { code?: unknown }
  return new BrokerError(
    'target.unreachable',
    `${url.hostname} could not be reached (${typeof code === 'string' ? code : 'no answer'})`,
    {
      cause,
    },
  )
}
