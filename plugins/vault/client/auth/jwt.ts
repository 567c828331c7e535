import { readFile } from 'node:fs/promises'
import { BrokerError, Secret } from '../../../../src/sdk/index.ts'
import { type LoginMethod, loginAt } from './login.ts'

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** JWT or Kubernetes auth; the file is read at every login, because it is rotated under our feet. */
export function jwtLogin(auth: { mount: string; role?: string; file: string }): LoginMethod {
  return {
    name: 'jwt',
    mints: true,
    async login(send, signal) {
      const jwt = await jwtIn(auth.file)
      return loginAt(auth.mount, { ...(auth.role && { role: auth.role }), jwt }, send, signal)
    },
  }
}

async function jwtIn(file: string): Promise<Secret> {
  const fix = 'name a file that holds one JWT and that the daemon may read'
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new BrokerError('target.login_failed', `the token file ${file} cannot be read`, { cause, fix })
  })
  // Anything else is not sent: an integration must not carry a file of the host to an address of somebody's choice.
  if (!JWT.test(text.trim())) throw new BrokerError('target.login_failed', `${file} does not hold a JWT`, { fix })
  return new Secret(text.trim())
}
