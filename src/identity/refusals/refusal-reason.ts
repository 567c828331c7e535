import { BrokerError } from '../../sdk/index.ts'
import { oauthCodeOf } from './oauth-codes.ts'

/** Why something of a provider's was refused, in words of ours: nothing it sent is repeated. */
export function reasonOf(error: unknown): string {
  if (error instanceof BrokerError) return `${error.message}${saidBy(error)}`
  if (!(error instanceof Error)) return 'unknown'
  const { code, claim, status, cause } = error as Error & { code?: unknown; claim?: unknown; status?: unknown }
  if (typeof code !== 'string') return cause instanceof Error ? reasonOf(cause) : error.name
  // Of the claims a token was refused for, the well known ones are worth naming.
  const named = typeof claim === 'string' && /^[a-z_]{1,20}$/.test(claim) ? ` ${claim}` : claimOf(cause)
  const answered = typeof status === 'number' ? ` ${status}` : ''
  return `${code}${answered}${named}${saidBy(error)}`
}

/** The provider's error code of OAuth, if it is a known one and does not stand there already. */
function saidBy(error: Error): string {
  const code = oauthCodeOf(error)
  return code === undefined || error.message.includes(code) ? '' : `: ${code}`
}

function claimOf(cause: unknown): string {
  const { claim } = (cause ?? {}) as { claim?: unknown }
  return typeof claim === 'string' && /^[a-z_]{1,20}$/.test(claim) ? ` ${claim}` : ''
}
