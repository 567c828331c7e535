import type { HealthCheck } from '../../../src/sdk/index.ts'
import type { VaultConnection } from '../connection.ts'
import { exampleOf, hclOf, type Rule, wantedRules } from '../minimum-policy.ts'
import { capabilitiesOf } from './capabilities.ts'

/** Every path the enabled capabilities need, with the line to add where a right is missing. */
async function rightsChecks(client: VaultConnection, signal: AbortSignal): Promise<HealthCheck[]> {
  const rules = wantedRules(client.config)
  const held = await capabilitiesOf(client, rules.map(exampleOf), signal)
  return rules.map((rule) => rightCheck(rule, held.get(exampleOf(rule)) ?? []))
}

/** A token may be older than its role's policies: before a right is called missing, another login is tried. */
export async function rightsNow(client: VaultConnection, signal: AbortSignal): Promise<HealthCheck[]> {
  const checks = await rightsChecks(client, signal)
  const isMissing = checks.some((check) => check.status !== 'ok')
  return isMissing && (await client.session.foundNewRights(signal)) ? rightsChecks(client, signal) : checks
}

function rightCheck(rule: Rule, held: readonly string[]): HealthCheck {
  const name = `right ${rule.path}`
  const missing = held.includes('root') ? [] : rule.rights.filter((right) => !held.includes(right))
  if (missing.length === 0) return { name, status: 'ok', detail: rule.rights.join(', ') }
  return {
    name,
    status: rule.optional ? 'warning' : 'failed',
    detail: `the broker’s policy lacks ${missing.join(', ')} on ${rule.path}, which is needed to ${rule.why}`,
    fix: hclOf(rule),
  }
}
