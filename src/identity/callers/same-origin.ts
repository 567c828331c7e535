import type { Request } from 'express'
import type { Config } from '../../config/config.ts'
import { BrokerError } from '../../sdk/index.ts'

/**
 * A browser sends the cookie with whatever any page makes it send. So a call that changes something must come from a page of ours, and the
 * browser itself says so: `Sec-Fetch-Site`, and `Origin` where it is older.
 */
export function mustBeSameOrigin({ method, headers }: Request, { publicUrl }: Config): void {
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return
  const { origin, host } = headers
  const site = headers['sec-fetch-site']
  const ours = publicUrl ?? `http://${host}`
  const isOurs = (site === undefined || site === 'same-origin') && (origin === undefined || origin === ours)
  if (isOurs && (site !== undefined || origin !== undefined)) return
  throw new BrokerError('auth.forbidden', 'the call came with a cookie, but not from a page of this broker', {
    fix: 'send authorization: Bearer with a token instead of the cookie',
  })
}
