import type { Login } from './auth/login.ts'
import { VaultError } from './errors.ts'
import type { Secret } from './secret.ts'

/** A session's token; times are the session's. */
export interface Live {
  readonly token: Secret
  readonly leaseSeconds: number
  readonly endsAt: number
  readonly renewAt: number
  readonly renewable: boolean
  readonly renewed?: string
  readonly policies?: readonly string[]
  /** as the server counts them when it was made */
  readonly uses: number
  /** calls that may still be made with it */
  left: number
}

/** Of a token for a few calls: one sees where the login is, one stays, because a token is gone with its last one. */
const USES_OF_OUR_OWN = 2

export function begin(now: number, login: Login): Live {
  const lifeMs = login.leaseSeconds > 0 ? login.leaseSeconds * 1000 : Number.POSITIVE_INFINITY
  return {
    ...login,
    left: login.uses > 0 ? login.uses - USES_OF_OUR_OWN : Number.POSITIVE_INFINITY,
    endsAt: now + lifeMs,
    // Two thirds, a little less for each of many programs.
    renewAt: now + lifeMs * (2 / 3) * (0.9 + Math.random() / 10),
  }
}

/** Takes one of the calls that a token serves; false when there is none left. */
export function spend(live: Live): boolean {
  live.left -= 1
  return live.left >= 0
}

export function mustServe({ uses }: Login): void {
  if (uses === 0 || uses > USES_OF_OUR_OWN) return
  throw new VaultError('login_failed', `the tokens of this login serve ${uses} calls only (token_num_uses)`, {
    fix: 'set token_num_uses=0 on the role of the login',
  })
}
