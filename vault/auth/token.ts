import type { Secret } from '../secret.ts'
import { asLogin, type LoginMethod } from './login.ts'

/** A token somebody gave us: nothing to log in to, only to ask how long it lives. */
export function tokenLogin(token: Secret): LoginMethod {
  return {
    name: 'token',
    mints: false,
    async login(send, signal) {
      const answer = await asLogin(
        send({ method: 'GET', path: ['auth/token/lookup-self'], token, signal }),
        () => 'the token has ended, was revoked, or may not look itself up; save another one, or use AppRole',
      )
      const { ttl, renewable, num_uses: uses } = answer.data
      return { token, leaseSeconds: Number(ttl ?? 0), renewable: renewable === true, uses: Number(uses ?? 0) }
    },
  }
}
