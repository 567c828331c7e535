import { BrokerError, type Host, Secret } from '../../src/sdk/index.ts'
import { type LoginMethod, loginAt } from './login.ts'

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** JWT or Kubernetes auth; the file is read at every login, because it is rotated under our feet. `addresses` are all it may be sent to. */
export function jwtLogin(
  auth: { mount: string; role?: string; file: string },
  host: Pick<Host, 'file' | 'log'>,
  addresses: readonly string[],
): LoginMethod {
  return {
    name: 'jwt',
    mints: true,
    async login(send, signal) {
      const jwt = await jwtIn(auth.file)
      return loginAt(auth.mount, { ...(auth.role && { role: auth.role }), jwt }, send, signal)
    },
  }

  async function jwtIn(file: string): Promise<Secret> {
    const text = (await host.file(file, addresses))?.trim()
    if (text !== undefined && JWT.test(text)) return new Secret(text)
    if (text !== undefined) host.log('warn', 'a token file holds no JWT', { file })
    throw new BrokerError('target.login_failed', `the token file ${file} cannot be used for this address`, {
      fix: 'lend it to this address in the daemon’s LATCHKEY_INTEGRATION_FILES; the daemon’s log says what else is wrong with it',
    })
  }
}
