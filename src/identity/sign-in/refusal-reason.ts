import { BrokerError } from '../../sdk/index.ts'

/** Why something of a provider's was refused, in words of ours: nothing it sent is repeated. */
export function reasonOf(error: unknown): string {
  if (error instanceof BrokerError) return error.message
  if (!(error instanceof Error)) return 'unknown'
  const { code, claim, status, cause } = error as Error & { code?: unknown; claim?: unknown; status?: unknown }
  if (typeof code !== 'string') return cause instanceof Error ? reasonOf(cause) : error.name
  // Of the claims a token was refused for, the well known ones are worth naming.
  const named = typeof claim === 'string' && /^[a-z_]{1,20}$/.test(claim) ? ` ${claim}` : claimOf(cause)
  const answered = typeof status === 'number' ? ` ${status}` : ''
  return `${code}${answered}${named}`
}

function claimOf(cause: unknown): string {
  const { claim } = (cause ?? {}) as { claim?: unknown }
  return typeof claim === 'string' && /^[a-z_]{1,20}$/.test(claim) ? ` ${claim}` : ''
}
