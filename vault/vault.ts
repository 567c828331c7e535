import type { LoginMethod } from './auth/login.ts'
import type { VaultAnswer, VaultCall } from './call.ts'
import { refusal } from './refusal.ts'
import { Session } from './session.ts'
import { createTransport, type Transport, type TransportOptions } from './transport.ts'

type Settled = 'timeoutMs' | 'redirectHosts' | 'userAgent' | 'now'

/** What is left out: 30 s, no other hosts, `latchkey-vault`. */
export interface VaultOptions extends Omit<TransportOptions, Settled>, Partial<Pick<TransportOptions, Settled>> {
  readonly login: LoginMethod
  /** what to do where the session's own token was refused, for the error's `fix` */
  readonly remedy?: (call: VaultCall) => string
}

/** Opens a connection. Sends nothing: the first call logs in. */
export function openVault(options: VaultOptions): Vault {
  const all = {
    ...options,
    timeoutMs: options.timeoutMs ?? 30_000,
    redirectHosts: options.redirectHosts ?? [],
    userAgent: options.userAgent ?? 'latchkey-vault',
    now: options.now ?? (() => performance.now()),
  }
  return new Vault(all, createTransport(all))
}

/** One server (and namespace), with a session of the caller's own. Every path of the API is spelled by its user. */
export class Vault {
  readonly session: Session
  readonly #options: VaultOptions
  readonly #transport: Transport

  constructor(options: VaultOptions, transport: Transport) {
    this.#options = options
    this.#transport = transport
    this.session = new Session({
      method: options.login,
      namespace: options.namespace,
      now: options.now,
      send: async (call) =>
        this.#checked(call, await transport.send(call, typeof call.token === 'object' ? call.token : undefined)),
    })
  }

  /** Sends one call. Throws a `VaultError` for every status that is neither 2xx nor accepted. */
  async call(call: VaultCall): Promise<VaultAnswer> {
    if (call.token === 'none') return this.#checked(call, await this.#transport.send(call, undefined))
    if (call.token) return this.#checked(call, await this.#transport.send(call, call.token))
    const token = await this.session.token(call.signal)
    const answer = await this.#transport.send(call, token)
    if (answer.status !== 403) {
      this.session.wasServed()
      return this.#checked(call, answer)
    }
    const another = await this.session.replacementFor(token, call.signal)
    const last = another ? await this.#transport.send(call, another) : answer
    if (last.status === 403) this.session.wasRefused()
    else this.session.wasServed()
    return this.#checked(call, last)
  }

  /** Ends the session, and then the connections, whatever became of the first. */
  async close(): Promise<void> {
    try {
      await this.session.close()
    } finally {
      await this.#transport.close()
    }
  }

  #checked(call: VaultCall, answer: VaultAnswer): VaultAnswer {
    if ((answer.status >= 200 && answer.status < 300) || call.accept?.includes(answer.status)) return answer
    throw refusal(call, answer, call.token === undefined ? this.#options.remedy?.(call) : undefined)
  }
}
