import type { IntegrationView } from '../contract/integrations.ts'
import type { SessionStatus } from '../sdk/index.ts'
import { isHealthy } from './health/health.ts'
import type { Integration } from './integration.ts'

/** As people see it. Its configuration is stored without secrets, so there are none to take out. */
export function viewOf(integration: Integration, session: SessionStatus | null): IntegrationView {
  const { id, name, plugin, state, config, accessDetails, health, healthAt, guarantees, version, createdAt, changedAt } =
    integration
  return {
    id,
    name,
    plugin,
    state: state === 'paused' ? 'paused' : 'active',
    config,
    accessDetails,
    health:
      health && healthAt
        ? { healthy: isHealthy(health), checks: health.map((check) => ({ ...check })), at: healthAt.toISOString() }
        : null,
    session: session && shown(session),
    guarantees,
    version,
    createdAt: createdAt.toISOString(),
    changedAt: changedAt.toISOString(),
  }
}

function shown({ ok, detail, endsAt, renewedAt }: SessionStatus): NonNullable<IntegrationView['session']> {
  return { ok, detail, ...(endsAt !== undefined && { endsAt }), ...(renewedAt !== undefined && { renewedAt }) }
}
