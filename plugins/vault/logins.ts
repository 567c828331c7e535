import { type Host, Secret } from '../../src/sdk/index.ts'
import {
  approleLogin,
  certLogin,
  isJwt,
  jwtLogin,
  type Keeper,
  type LoginMethod,
  tokenLogin,
  VaultError,
} from '../../vault/index.ts'
import type { VaultConfig } from './config.ts'

/** How the broker logs in; what must be kept or read for that, the host keeps and reads. */
export function loginMethod(config: VaultConfig, host: Host): LoginMethod {
  const { auth } = config
  switch (auth.method) {
    case 'approle':
      return approleLogin(auth, keeperIn(host, auth.mount))
    case 'token':
      return tokenLogin(auth.token)
    case 'jwt':
      return jwtLogin({ ...auth, token: () => jwtIn(auth.file, addressesOf(config), host) })
    case 'cert':
      return certLogin(auth)
  }
}

function keeperIn(host: Host, mount: string): Keeper {
  return {
    keep: (name, value) => host.keep(name, new Secret(value.reveal())),
    recall: (name) => host.recall(name),
    alarm: (message) => host.log('error', message, { mount }),
  }
}

/** Read at every login, because it is rotated under our feet, and lent by the operator for every place it may be sent to. */
async function jwtIn(file: string, addresses: readonly string[], host: Host): Promise<Secret> {
  const text = (await host.file(file, addresses))?.trim()
  if (text !== undefined && isJwt(text)) return new Secret(text)
  if (text !== undefined) host.log('warn', 'the token file holds no JWT', { file })
  // The session takes it for what it is to it: a login that came to nothing.
  throw new VaultError('login_failed', `the token file ${file} may not be used for this address, or cannot be read`, {
    fix: 'allow it for this address in the daemon’s LATCHKEY_INTEGRATION_FILES; the daemon’s log says what else is wrong',
  })
}

/** Every place that calls of this connection may reach. */
function addressesOf({ address, redirectHosts }: VaultConfig): string[] {
  return [address, ...redirectHosts.map((host) => `${new URL(address).protocol}//${host}`)]
}
