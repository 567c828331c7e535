import type { Makers } from './matrix-makers.ts'
import { absent } from './matrix-makers.ts'

export interface Target {
  /** in the order in which they stand in the path */
  readonly ids?: readonly string[]
  readonly query?: string
  readonly body?: unknown
}

export interface Expected {
  /** `scope: roles`, `scope` for everybody with a token, `public`, or `scim` */
  readonly who: string
  /** what those are answered */
  readonly ok: number
  /** a new thing to do it to; not needed where reading does no harm */
  readonly target?: (make: Makers) => Target | Promise<Target>
}

export const read = (ids: readonly string[] = [], query = '') => ({ target: () => ({ ids, query }) })
export const SEERS = 'read: admin owner auditor'
export const on = (make: (makers: Makers) => Promise<string>, body?: unknown) => ({
  target: async (makers: Makers) => ({ ids: [await make(makers)], body }),
})
export const open = (ok: number): Expected => ({ who: 'public', ok })
export const scim = (ok: number, target?: Target): Expected => ({ who: 'scim', ok, target: target && (() => target) })
export const aRun = (who: string, body?: unknown): Expected => ({
  who,
  ok: 404,
  target: () => ({ ids: ['run_00000000000000000000000000'], body }),
})
export const aRotation = (who: string, body?: unknown): Expected => ({
  who,
  ok: 404,
  target: () => ({ ids: ['rot_00000000000000000000000000'], body }),
})
export const A_REMINDER = {
  name: 'renew the contract',
  does: { kind: 'remind', what: 'call them' },
  schedule: { kind: 'every', seconds: 86_400 },
}
export const missing = (who: string, prefix: string, body?: unknown): Expected => ({
  who,
  ok: 404,
  target: () => ({ ids: [absent(prefix)], body }),
})
export const SCIM_USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
