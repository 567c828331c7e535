import type { HealthCheck } from '../../../src/sdk/index.ts'
import type { VaultConnection } from '../connection.ts'
import { AUDIT_COMMAND } from '../setup-commands.ts'

/** Whether the ids in receipts that are ours can be found in the server's audit log. Access ends either way. */
export async function auditedHeaderCheck(client: VaultConnection, signal: AbortSignal): Promise<HealthCheck[]> {
  const audited = await client.auditsCorrelation(signal, 'fresh')
  const name = 'audited header'
  switch (audited) {
    case true:
      return [{ name, status: 'ok', detail: 'the audit log shows x-correlation-id, the broker’s id of each call' }]
    case false:
      return [
        {
          name,
          status: 'warning',
          detail: 'the audit log does not show x-correlation-id, so the broker’s ids in receipts cannot be found there',
          fix: `run once, in the root namespace: ${AUDIT_COMMAND}`,
        },
      ]
    case undefined:
      return [
        {
          name,
          status: 'ok',
          detail: 'the broker cannot see whether the audit log shows x-correlation-id, and receipts say so',
        },
      ]
  }
}
