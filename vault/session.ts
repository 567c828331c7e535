import { isRecord, type LoginMethod, NoLoginThere, type Send } from './auth/login.ts'
import { isVaultError, VaultError } from './errors.ts'
import { begin, type Live, mustServe, spend } from './live-token.ts'
import type { Secret } from './secret.ts'
import { untilAborted } from './until-aborted.ts'

const FIRST_PAUSE_MS = 10_000
const LONGEST_PAUSE_MS = 300_000
/** A refused login counts towards the server's lock-out: five in fifteen minutes. */
const REFUSED_PAUSE_MS = 200_000
/** Where the server does not say whether a token lives, a refused one is replaced to find out, so often at most. */
const FIND_OUT_MS = 60_000
/** A token that lives and may not do something may be older than its role's policies. So often at most, another login finds out. */
const LOOK_AGAIN_MS = 300_000
/** After so many refusals in a row and not one call served, the session is called lost. */
const REFUSALS_IN_A_ROW = 10
/** With less than this left, a call waits for the renewal. */
const NEARLY_OVER_MS = 300_000

/** How the session stands. */
export interface SessionStatus {
  readonly ok: boolean
  readonly detail: string
  /** nothing was sent yet, so that `ok` says nothing of the server */
  readonly isUnused?: true
  /** RFC 3339; when it ends unless renewed */
  readonly endsAt?: string
  readonly renewedAt?: string
}

interface Failure {
  readonly error: VaultError
  readonly count: number
  /** the server looked at the credential and said no: asking again at once would lock it */
  readonly isRefusal: boolean
  readonly retryAt: number
}

export interface SessionOptions {
  readonly method: LoginMethod
  readonly send: Send
  readonly namespace?: string
  /** monotonic, milliseconds */
  readonly now?: () => number
}

/** The caller's own token: had when first needed, once for all who wait, renewed in time, replaced before its maximum. In memory only. */
export class Session {
  #live?: Live
  #failure?: Failure
  #underway?: Promise<Live>
  #lookup?: { readonly token: Secret; readonly alive: Promise<boolean> }
  #mayLookUp = true
  #foundOutAt = Number.NEGATIVE_INFINITY
  #refusals = 0
  #wasLive = false
  #looking?: Promise<boolean>
  #lookedAgainAt = Number.NEGATIVE_INFINITY
  readonly #closing = new AbortController()
  readonly #now: () => number
  readonly #options: SessionOptions

  constructor(options: SessionOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** A token to use now. A refusal is answered from memory until its pause is over. */
  async token(signal?: AbortSignal): Promise<Secret> {
    const live = this.#alive()
    if (live && !this.#isNearlyOver(live) && spend(live)) return live.token
    if (this.#failure && this.#now() < this.#failure.retryAt) {
      if (live && spend(live)) return live.token
      if (this.#failure.isRefusal) throw this.#failure.error
    }
    for (;;) {
      const fresh = await untilAborted(this.#refresh(), signal)
      if (spend(fresh)) return fresh.token
    }
  }

  /** After a 403: another token to try once, or undefined when `used` is alive and may do all that its role allows now. */
  async replacementFor(used: Secret, signal?: AbortSignal): Promise<Secret | undefined> {
    const current = this.#alive()
    if (current && current.token !== used && spend(current)) return current.token
    if (this.#lookup?.token !== used) this.#lookup = { token: used, alive: this.#isAlive(used) }
    const { alive } = this.#lookup
    try {
      if (await untilAborted(alive, signal)) return (await this.foundNewRights(signal)) ? this.#spare() : undefined
    } finally {
      if (this.#lookup?.alive === alive) this.#lookup = undefined
    }
    if (this.#live?.token === used) this.#live = undefined
    return this.token(signal)
  }

  /**
   * Logs in once more, to see whether the credential is still good and gives what this session holds. True if it gives something else:
   * then the session goes on with that. Throws `login_failed` when the credential is refused; what the session has stays.
   */
  lookAgain(): Promise<boolean> {
    this.#looking ??= this.#logInAgain().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  /** After a refusal: whether another login, of which there is one in some minutes at most, gives other rights than this session had. */
  async foundNewRights(signal?: AbortSignal): Promise<boolean> {
    const isDue = this.#now() - this.#lookedAgainAt >= LOOK_AGAIN_MS
    if (!this.#options.method.mints || !(isDue || this.#looking)) return false
    try {
      return await untilAborted(this.lookAgain(), signal)
    } catch (error) {
      // No failure of the session: its token lives, and the first refusal stands.
      if (isVaultError(error) && !this.#closing.signal.aborted) return false
      throw error
    }
  }

  /** How many calls a token of this session serves, where the server counts them. */
  usesOfAToken(): number | undefined {
    return this.#live && this.#live.uses > 0 ? this.#live.uses : undefined
  }

  /** Renews what is due. Throws when the session cannot be kept, and not again before the pause is over. */
  async keepAlive(signal: AbortSignal): Promise<void> {
    const due = this.#failure?.retryAt ?? this.#live?.renewAt
    if (due !== undefined && this.#now() >= due) await untilAborted(this.#refresh(), signal)
  }

  wasServed(): void {
    this.#refusals = 0
  }

  wasRefused(): void {
    this.#refusals += 1
  }

  status(): SessionStatus {
    const live = this.#alive()
    const endsAt =
      live && Number.isFinite(live.endsAt) ? new Date(Date.now() + live.endsAt - this.#now()).toISOString() : undefined
    if (this.#failure) return { ok: false, detail: this.#failure.error.message, endsAt, renewedAt: live?.renewed }
    if (!live && this.#wasLive) return { ok: false, detail: 'the token has ended, and there is no new one yet' }
    if (!live) return { ok: true, detail: 'not logged in yet', isUnused: true }
    if (this.#refusals >= REFUSALS_IN_A_ROW) {
      return { ok: false, detail: `the server refused the last ${this.#refusals} calls and served none`, endsAt }
    }
    const dying = !live.renewable && !this.#options.method.mints && live.endsAt - this.#now() < NEARLY_OVER_MS
    const detail = dying ? 'the token ends soon and cannot be renewed' : `logged in with ${this.#options.method.name}`
    return { ok: !dying, detail, endsAt, renewedAt: live.renewed }
  }

  /** Ends the session; a token that a login made is revoked. Nothing of a grantee hangs off it: they log in for themselves. */
  async close(): Promise<void> {
    this.#closing.abort(new VaultError('closed', 'the connection was closed'))
    const live = this.#alive()
    this.#live = undefined
    if (!live || !this.#options.method.mints) return
    await this.#revoke(live.token)
  }

  async #revoke(token: Secret): Promise<void> {
    await this.#options.send({ method: 'POST', path: ['auth/token/revoke-self'], token, accept: [403], timeoutMs: 3000 })
  }

  async #logInAgain(): Promise<boolean> {
    this.#lookedAgainAt = this.#now()
    const held = this.#alive()
    let fresh: Live
    try {
      fresh = await this.#logIn(true)
    } catch (error) {
      // Each refusal counts towards a lock-out. The session itself asks again when its token ends.
      if (isVaultError(error, 'login_failed')) this.#lookedAgainAt = Number.POSITIVE_INFINITY
      throw error
    }
    const isSame = held !== undefined && String(held.policies) === String(fresh.policies)
    if (isSame) {
      await this.#revoke(fresh.token)
      return false
    }
    this.#live = fresh
    this.#failure = undefined
    return true
  }

  #refresh(): Promise<Live> {
    this.#underway ??= this.#renewOrLogIn().finally(() => {
      this.#underway = undefined
    })
    return this.#underway
  }

  async #renewOrLogIn(): Promise<Live> {
    try {
      this.#closing.signal.throwIfAborted()
      const live = this.#alive()
      const renewed = live?.renewable ? await this.#renew(live) : undefined
      this.#live = renewed ?? (await this.#logIn(live === undefined))
      this.#failure = undefined
      this.#wasLive = true
      if (!renewed && this.#lookedAgainAt > this.#now()) this.#lookedAgainAt = Number.NEGATIVE_INFINITY
      return this.#live
    } catch (error) {
      if (error instanceof VaultError) this.#failure = this.#failed(error)
      throw error
    }
  }

  async #renew(live: Live): Promise<Live | undefined> {
    try {
      const answer = await this.#options.send({
        method: 'POST',
        path: ['auth/token/renew-self'],
        body: { increment: live.leaseSeconds },
        token: live.token,
        signal: this.#closing.signal,
      })
      const auth = isRecord(answer.body['auth']) ? answer.body['auth'] : {}
      const granted = Number(auth['lease_duration'] ?? 0)
      if (granted <= 0) return undefined // 204 is no renewal
      // Less than asked: the maximum is near, and the next time is a login.
      const renewable = auth['renewable'] === true && granted >= live.leaseSeconds
      return { ...begin(this.#now(), { ...live, leaseSeconds: granted, renewable }), renewed: answer.at }
    } catch (error) {
      if (isVaultError(error, 'login_failed', 'denied', 'invalid', 'failed')) return undefined
      throw error
    }
  }

  /** `fresh`: not because a renewal came to nothing, which a token that was given to us will do from then on. */
  async #logIn(fresh: boolean): Promise<Live> {
    const { method, send, namespace } = this.#options
    const login = await method.login(send, this.#closing.signal)
    mustServe(login)
    const self = await send({
      method: 'GET',
      path: ['auth/token/lookup-self'],
      token: login.token,
      accept: [403],
      repeatable: true,
      signal: this.#closing.signal,
    })
    this.#mayLookUp = self.status !== 403
    const where = self.data['namespace_path']
    const honoured = typeof where === 'string' ? where.replace(/\/$/, '') : ''
    if (namespace && honoured !== namespace) {
      throw new VaultError(
        'namespace',
        `the server did not honour the namespace ${namespace}: the login is in ${honoured || 'root'}`,
        {
          fix: 'correct the namespace; Vault Community ignores namespaces, and writes would land in root',
        },
      )
    }
    return begin(this.#now(), { ...login, renewable: login.renewable && login.uses === 0 && (fresh || method.mints) })
  }

  async #isAlive(token: Secret): Promise<boolean> {
    const call = { method: 'GET', path: ['auth/token/lookup-self'], token, accept: [403], repeatable: true } as const
    const answer = await this.#options.send({ ...call, signal: this.#closing.signal })
    if (answer.status !== 403) {
      this.#mayLookUp = true
      return true
    }
    if (this.#mayLookUp || answer.errors.some((line) => line.includes('invalid token'))) return false
    // It may not look itself up: a dead token and a live one get the same answer.
    if (!this.#options.method.mints || this.#now() - this.#foundOutAt < FIND_OUT_MS) return true
    this.#foundOutAt = this.#now()
    return false
  }

  #spare(): Secret | undefined {
    const live = this.#alive()
    return live && spend(live) ? live.token : undefined
  }

  #alive(): Live | undefined {
    return this.#live && this.#now() < this.#live.endsAt ? this.#live : undefined
  }

  #isNearlyOver(live: Live): boolean {
    return live.endsAt - this.#now() < Math.min(NEARLY_OVER_MS, (live.leaseSeconds * 1000) / 3)
  }

  #failed(error: VaultError): Failure {
    const count = (this.#failure?.count ?? 0) + 1
    const growing = Math.min(FIRST_PAUSE_MS * 2 ** (count - 1), LONGEST_PAUSE_MS)
    const isRefusal = error.kind === 'login_failed' && !(error instanceof NoLoginThere)
    const pause = isRefusal ? Math.max(growing, REFUSED_PAUSE_MS) : growing
    return { error, count, isRefusal, retryAt: this.#now() + pause * (1 + Math.random() / 10) }
  }
}
