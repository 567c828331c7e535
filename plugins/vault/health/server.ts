import { type HealthCheck, isBrokerError } from '../../../src/sdk/index.ts'
import type { VaultAnswer } from '../../../vault/index.ts'
import type { VaultConnection } from '../connection.ts'

const ALLOWED_SKEW_SECONDS = 3
const EVERY_STATE = [429, 472, 473, 474, 501, 503, 530]

/** Whether the node answers and in which state. Without the namespace, where OpenBao refuses the question. */
export async function serverChecks(client: VaultConnection, signal: AbortSignal): Promise<HealthCheck[]> {
  try {
    const answer = await client.call({
      method: 'GET',
      path: ['sys/health'],
      query: { standbyok: 'true', perfstandbyok: 'true' },
      token: 'none',
      namespaced: false,
      accept: EVERY_STATE,
      signal,
    })
    const version = answer.body['version']
    if (typeof version === 'string') client.sawVersion(version)
    return [{ name: 'server', ...stateOf(answer) }, ...(isSecondary(answer) ? [secondary] : [])]
  } catch (error) {
    if (!isBrokerError(error)) throw error
    return [{ name: 'server', status: 'failed', detail: error.message, fix: error.fix }]
  }
}

/** It is reached and well, and of no use to the broker as long as another cluster is the primary. */
const secondary: HealthCheck = {
  name: 'logins and writes',
  status: 'failed',
  detail: 'a disaster recovery secondary is reached, but it takes neither logins nor writes until it is promoted',
  fix: 'give the address of the active cluster, or promote this one',
}

/** By the answer's body too: a load balancer in front of the node may have been told to ask for 200 in this state. */
function isSecondary({ status, body }: VaultAnswer): boolean {
  return status === 472 || body['replication_dr_mode'] === 'secondary'
}

function stateOf(answer: VaultAnswer): Omit<HealthCheck, 'name'> {
  const { initialized, sealed, version, server_time_utc: serverTime } = answer.body
  if (answer.status === 501 || initialized === false)
    return { status: 'failed', detail: 'the server was never initialised', fix: 'run `vault operator init`' }
  if (answer.status === 503 || sealed === true)
    return { status: 'failed', detail: 'the server is sealed', fix: 'run `vault operator unseal`' }
  if (answer.status === 530) {
    const fix = 'give the address of a node that belongs to the cluster'
    return { status: 'failed', detail: 'the node was removed from its cluster', fix }
  }
  if (answer.status === 474) {
    const fix = 'restore the connection between the nodes, or give the address of a node that serves'
    return { status: 'failed', detail: 'the node is a standby that does not reach the active node of its cluster', fix }
  }
  if (initialized === undefined)
    return { status: 'failed', detail: `what answered ${answer.status} is not Vault or OpenBao`, fix: 'correct the address' }
  const skew = typeof serverTime === 'number' ? Math.round(serverTime - Date.parse(answer.at) / 1000) : 0
  if (Math.abs(skew) > ALLOWED_SKEW_SECONDS)
    return { status: 'warning', detail: `the server’s clock is ${skew} s from the broker’s`, fix: 'synchronise both clocks' }
  return { status: 'ok', detail: `version ${typeof version === 'string' ? version : 'unknown'}, ${roleOf(answer)}` }
}

function roleOf(answer: VaultAnswer): string {
  const { standby, performance_standby: isPerformance, replication_performance_mode: mode } = answer.body
  if (isSecondary(answer)) return 'a disaster recovery secondary'
  const role =
    answer.status === 473 || isPerformance === true
      ? 'a performance standby, which forwards what it cannot do itself'
      : standby === true
        ? 'a standby, which forwards'
        : 'active'
  return mode === 'secondary' ? `${role}, in a performance secondary, which forwards what is shared to its primary` : role
}
