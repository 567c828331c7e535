import { type AnyPlugin, BrokerError, type HealthCheck } from '../../sdk/index.ts'
import { within } from '../connections/within.ts'
import type { Guarantees } from '../integration.ts'

const PATIENCE_MS = 45_000

/** What the plugin finds, within a time. That it cannot look is a finding, too. */
export async function checkHealth(
  plugin: AnyPlugin,
  client: unknown,
  stop: AbortSignal,
  thorough?: 'thorough',
): Promise<HealthCheck[]> {
  try {
    return await within(PATIENCE_MS, stop, (signal) => plugin.health(client, signal, thorough))
  } catch (error) {
    if (!(error instanceof BrokerError) || stop.aborted) throw error
    return [{ name: 'connection', status: 'failed', detail: error.message, fix: error.fix }]
  }
}

export function isHealthy(checks: readonly HealthCheck[]): boolean {
  return checks.every((check) => check.status !== 'failed')
}

/** Undefined when the plugin gives no access. */
export function guaranteesOf(plugin: AnyPlugin, client: unknown): Guarantees | undefined {
  const action = plugin.grantAccess
  return action && Object.fromEntries(action.deliveries.map(({ name }) => [name, action.expiryGuarantee(client, name)]))
}

export function unhealthy(name: string, checks: readonly HealthCheck[]): BrokerError {
  const failed = checks.filter((check) => check.status === 'failed')
  const fixes = failed.flatMap((check) => (check.fix ? [check.fix] : []))
  return new BrokerError(
    'integration.unhealthy',
    `${name} was not saved: ${failed.map((check) => `${check.name}: ${check.detail}`).join('; ')}`,
    { fix: [...new Set(fixes)].join('\n') || 'set it right and try again, or save it with skipTest' },
  )
}
