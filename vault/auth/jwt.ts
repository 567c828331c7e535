import type { Secret } from '../secret.ts'
import { type LoginMethod, loginAt } from './login.ts'

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** JWT or Kubernetes auth. The token is asked for at every login, because what writes it replaces it. */
export function jwtLogin(auth: { mount: string; role?: string; token: () => Promise<Secret> }): LoginMethod {
  return {
    name: 'jwt',
    mints: true,
    async login(send, signal) {
      return loginAt(auth.mount, { ...(auth.role && { role: auth.role }), jwt: await auth.token() }, send, signal)
    },
  }
}

export function isJwt(text: string): boolean {
  return JWT.test(text)
}
