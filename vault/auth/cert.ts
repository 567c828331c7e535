import { type LoginMethod, loginAt } from './login.ts'

/** TLS certificate auth. The connection itself carries the certificate, on every call: a renewal must present it again. */
export function certLogin(auth: { mount: string; role?: string }): LoginMethod {
  return {
    name: 'cert',
    mints: true,
    login: (send, signal) => loginAt(auth.mount, auth.role ? { name: auth.role } : {}, send, signal),
  }
}
