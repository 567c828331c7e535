import type { Secret } from '../../../../src/sdk/index.ts'
import { asLogin, type LoginMethod } from './login.ts'

/** A token somebody gave us: nothing to log in to, only to ask how long it lives. */
export function tokenLogin(token: Secret): LoginMethod {
  return {
    name: 'token',
    mints: false,
    async login(send, signal) {
      const answer = await asLogin(
        'token',
        send({ method: 'GET', path: ['auth/token/lookup-self'], token, repeatable: true, signal }),
      )
      return { token, leaseSeconds: Number(answer.data['ttl'] ?? 0), renewable: answer.data['renewable'] === true }
    },
  }
}
