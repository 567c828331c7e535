import { type HealthCheck, isBrokerError } from '../../src/sdk/index.ts'
import { isPlainHttp, type VaultConnection } from './connection.ts'
import { auditedHeaderCheck } from './health/audited-header.ts'
import { excessChecks } from './health/excess.ts'
import { anotherLoginCheck, grantLoginCheck } from './health/logins.ts'
import { mountChecks } from './health/mounts.ts'
import { rightsNow } from './health/rights.ts'
import { serverChecks } from './health/server.ts'
import { tokenChecks } from './health/token.ts'

/** Asks in the order in which one thing needs the other, and stops where the next answer could mean nothing. */
export async function health(client: VaultConnection, signal: AbortSignal, thorough?: 'thorough'): Promise<HealthCheck[]> {
  const checks: HealthCheck[] = []
  if (isPlainHttp(client.config.address)) {
    checks.push({
      name: 'connection',
      status: 'warning',
      detail: 'the connection is not encrypted, so tokens and secrets travel in the clear',
      fix: 'give the server a certificate and use https',
    })
  }
  checks.push(...(await serverChecks(client, signal)))
  if (checks.some((check) => check.status === 'failed')) return checks
  const login = await checked('login', async () => {
    await client.session.token(signal)
    const again = thorough ? await anotherLoginCheck(client) : []
    return [{ name: 'login', status: 'ok', detail: client.session.status().detail }, ...again]
  })
  checks.push(...login)
  if (login.some((check) => check.status === 'failed')) return checks
  checks.push(...(await checked('token', () => tokenChecks(client, signal))))
  checks.push(...(await checked('mounts', () => mountChecks(client, signal))))
  checks.push(...(await checked('rights', () => rightsNow(client, signal))))
  checks.push(...(await checked('excess rights', () => excessChecks(client, signal))))
  if (client.config.capabilities.includes('grants')) {
    checks.push(...(await checked('expiry', () => expiryCheck(client, signal))))
    if (checks.every((check) => check.status !== 'failed'))
      checks.push(...(await checked('logins', () => grantLoginCheck(client, signal, thorough))))
    checks.push(...(await checked('audited header', () => auditedHeaderCheck(client, signal))))
  }
  return checks
}

async function expiryCheck(client: VaultConnection, signal: AbortSignal): Promise<HealthCheck[]> {
  const { policyExpiration } = await client.features(signal)
  if (policyExpiration) return [{ name: 'expiry', status: 'ok', detail: 'the server ends every grant by itself' }]
  if (!client.config.deliveries.includes('password'))
    return [
      {
        name: 'expiry',
        status: 'ok',
        detail: 'the server ends every token that it gave by itself; policies cannot expire here',
      },
    ]
  return [
    {
      name: 'expiry',
      status: 'warning',
      detail: 'a password handed out here ends only when the broker ends it, because policies cannot expire on this server',
      fix: 'allow only the delivery token',
    },
  ]
}

/** A check that cannot be made is a failed check, not a failed doctor. */
async function checked(name: string, ask: () => Promise<HealthCheck[]>): Promise<HealthCheck[]> {
  try {
    return await ask()
  } catch (error) {
    if (!isBrokerError(error)) throw error
    return [{ name, status: 'failed', detail: error.message, fix: error.fix }]
  }
}
