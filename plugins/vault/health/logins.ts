import { type HealthCheck, isBrokerError } from '../../../src/sdk/index.ts'
import { loginsWentWell, whatHindersLogins } from '../actions/grant-login.ts'
import type { VaultConnection } from '../connection.ts'
import { sending } from '../send.ts'

/** Whether a temporary user can log in and is given a token that can be lent: tried with one that has no power. */
export async function grantLoginCheck(
  client: VaultConnection,
  signal: AbortSignal,
  thorough?: 'thorough',
): Promise<HealthCheck[]> {
  const { settings } = client
  const trouble =
    thorough || !loginsWentWell(settings)
      ? await whatHindersLogins({
          send: sending(client, signal, 'background'),
          sendLast: (call) => client.call(call),
          settings,
          features: await client.features(signal),
        })
      : undefined
  const name = `logins at auth/${settings.userpassMount}`
  if (trouble) return [{ name, status: 'failed', detail: trouble.message, fix: trouble.fix }]
  return [{ name, status: 'ok', detail: 'a temporary user was given a token, and both are gone' }]
}

/** The session goes on with what another login gives; a credential that was good for the first one only shows here. */
export async function anotherLoginCheck(client: VaultConnection): Promise<HealthCheck[]> {
  if (client.config.auth.method === 'token') return []
  try {
    await client.session.lookAgain()
    return []
  } catch (error) {
    if (!isBrokerError(error, 'target.login_failed')) throw error
    const detail = `the broker logged in once, and could not a second time: ${error.message}`
    const fix =
      client.config.auth.method === 'approle'
        ? 'make a secret ID that serves any number of logins: set secret_id_num_uses=0 on the broker’s role'
        : error.fix
    return [{ name: 'another login', status: 'failed', detail, fix }]
  }
}
