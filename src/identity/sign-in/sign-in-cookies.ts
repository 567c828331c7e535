import { createHash } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import type { CookieOptions, Request, Response } from 'express'
import { z } from 'zod'
import type { Config } from '../../config/config.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Sealer } from '../../platform/sealing/sealing.ts'

/** What a sign-in that is under way has to be answered with. */
const underWay = z.strictObject({ nonce: z.string(), verifier: z.string(), returnTo: z.string(), begunAt: z.number() })
export type UnderWay = z.infer<typeof underWay>

/** How long somebody may take to sign in at the provider. */
export const SIGN_IN_SECONDS = 600
/** Of tabs that were opened and left, the oldest are forgotten: a browser sends all of them along. */
const MOST_TABS = 5

/** A sign-in goes with the browser, sealed, in a cookie of its own: tabs do not disturb each other, and strangers leave no row behind. */
@Injectable()
export class SignInCookies {
  private readonly prefix: string
  private readonly options: CookieOptions

  constructor(
    private readonly sealer: Sealer,
    @Inject(CONFIG) config: Config,
  ) {
    const secure = config.publicUrl?.startsWith('https:') ?? false
    this.prefix = `${secure ? '__Host-' : ''}latchkey-in-`
    this.options = { httpOnly: true, sameSite: 'lax', secure, path: '/' }
  }

  keep(request: Request, response: Response, state: string, sign: UnderWay): void {
    const others = this.namesIn(request)
    for (const name of others.slice(0, Math.max(0, others.length - MOST_TABS + 1))) response.clearCookie(name, this.options)
    const name = `${this.prefix}${Math.floor(sign.begunAt * 1000)}-${shortOf(state)}`
    response.cookie(name, this.sealer.seal(JSON.stringify(sign), placeOf(state)), {
      ...this.options,
      maxAge: SIGN_IN_SECONDS * 1000,
    })
  }

  /** undefined when this browser began no sign-in of this state; it is taken once. */
  take(request: Request, response: Response, state: string): UnderWay | undefined {
    const name = this.namesIn(request).find((one) => one.endsWith(`-${shortOf(state)}`))
    const sealed = name === undefined ? undefined : cookiesOf(request).get(name)
    if (name === undefined || sealed === undefined) return undefined
    response.clearCookie(name, this.options)
    return this.opened(sealed, state)
  }

  private opened(sealed: string, state: string): UnderWay | undefined {
    try {
      return underWay.parse(JSON.parse(this.sealer.open(sealed, placeOf(state)).reveal()))
    } catch {
      return undefined // somebody made it up: there is no sign-in under way
    }
  }

  /** Oldest first. */
  private namesIn(request: Request): string[] {
    return [...cookiesOf(request).keys()].filter((name) => name.startsWith(this.prefix)).sort()
  }
}

function cookiesOf({ headers }: Request): ReadonlyMap<string, string> {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='))
  return new Map(pairs.map(([name = '', ...value]) => [name, value.join('=')]))
}

function shortOf(state: string): string {
  return createHash('sha256').update(state).digest('hex').slice(0, 16)
}

function placeOf(state: string) {
  return { table: 'sign_in_cookies', row: state, column: 'value' }
}
