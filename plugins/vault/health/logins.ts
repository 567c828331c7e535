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
  return [{ name, status: 'ok', detail: 'a trial user got a token, and both are gone again' }]
}

/** The session goes on with what another login gives; a credential that was good for the first one only shows here. */
export async function anotherLoginCheck(client: VaultConnection): Promise<HealthCheck[]> {
  if (client.config.auth.method === 'token') return []
  try {
    await client.session.lookAgain()
    return []
  } catch (error) {
    if (!isBrokerError(error, 'target.login_failed')) throw error
    const detail = `the broker logged in once, but could not log in a second time: ${error.message}`
    const fix =
      client.config.auth.method === 'approle'
        ? 'set secret_id_num_uses=0 on the broker’s role, and make a new secret ID'
        : error.fix
    return [{ name: 'another login', status: 'failed', detail, fix }]
  }
}
