import { BrokerError, type ErrorCode } from '../../src/sdk/index.ts'
import { isVaultError, type VaultErrorKind } from '../../vault/index.ts'

const CODES: Record<VaultErrorKind, ErrorCode> = {
  denied: 'target.denied',
  login_failed: 'target.login_failed',
  not_found: 'target.not_found',
  invalid: 'target.invalid',
  conflict: 'target.conflict',
  unsupported: 'target.unsupported',
  incomplete: 'target.incomplete',
  sealed: 'target.unready',
  standby: 'target.unready',
  uninitialized: 'target.unready',
  namespace: 'target.scope',
  busy: 'target.busy',
  failed: 'target.failed',
  redirected: 'target.redirected',
  unexpected: 'target.unexpected',
  unreachable: 'target.unreachable',
  timeout: 'target.timeout',
  tls: 'target.tls',
  closed: 'unavailable',
}

/** Waits for the client; where it fails, the broker reads its own codes. The one place in which they meet. */
export async function inBrokersWords<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    if (!isVaultError(error)) throw error
    const { kind, message, fix, requestId } = error
    throw new BrokerError(CODES[kind], message, { cause: error, fix, requestId })
  }
}
