import { Inject, Injectable, type MiddlewareConsumer, type OnApplicationShutdown } from '@nestjs/common'
import pgSession from 'connect-pg-simple'
import type { NextFunction, Request, Response } from 'express'
import session from 'express-session'
import type { Config } from '../../config/config.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database } from '../../platform/postgres/database.ts'
import { Sealer } from '../../platform/sealing/sealing.ts'

declare module 'express-session' {
  interface SessionData {
    signedIn: true
  }
}

/** Until who a new row belongs to is in its columns. */
const NEW_SECONDS = 60

/** Cookies and their rows. Who a row belongs to, and whether it still counts, is in columns of its own. */
@Injectable()
export class HttpSessions implements OnApplicationShutdown {
  private readonly store: InstanceType<ReturnType<typeof pgSession>>
  private readonly handle: ReturnType<typeof session>
  private readonly isHttps: boolean

  constructor(@Inject(CONFIG) config: Config, database: Database, sealer: Sealer) {
    this.isHttps = config.publicUrl?.startsWith('https:') ?? false
    const Store = pgSession(session)
    const { master: pool } = database.source.driver as unknown as { master: never }
    // A session that has begun is kept alive by `Authentication`, at most once a minute.
    this.store = new Store({ pool, tableName: 'http_sessions', disableTouch: true, ttl: NEW_SECONDS, errorLog: () => {} })
    this.handle = session({
      store: this.store,
      name: this.isHttps ? '__Host-latchkey' : 'latchkey',
      secret: sealer.derive('session cookies').map((key) => key.toString('base64')),
      resave: false,
      saveUninitialized: false,
      cookie: { httpOnly: true, sameSite: 'lax', secure: this.isHttps, path: '/' },
    })
  }

  /** A call of the API that brings a credential of its own, or no cookie, has no session. */
  readonly middleware = (request: Request, response: Response, next: NextFunction): void => {
    const { authorization, cookie } = request.headers
    const isSignIn = /^\/auth\//i.test(request.originalUrl)
    if (!isSignIn && (authorization !== undefined || cookie === undefined)) {
      next()
      return
    }
    // Whatever the last hop speaks: people reach us by https, and their cookie goes nowhere else.
    if (this.isHttps) Object.defineProperty(request, 'secure', { value: true })
    this.handle(request, response, next)
  }

  /** A new id for a person who has just proved who they are; the old one is worth nothing any more. */
  async rotate(request: Request): Promise<string> {
    await new Promise<void>((resolve, reject) => request.session.regenerate((error) => (error ? reject(error) : resolve())))
    request.session.signedIn = true
    await new Promise<void>((resolve, reject) => request.session.save((error) => (error ? reject(error) : resolve())))
    return request.sessionID
  }

  async destroy(request: Request): Promise<void> {
    await new Promise<void>((resolve, reject) => request.session.destroy((error) => (error ? reject(error) : resolve())))
  }

  onApplicationShutdown(): void {
    this.store.close() // only stops its timer: the pool is not its own
  }
}

export function useHttpSessions(consumer: MiddlewareConsumer, sessions: HttpSessions): void {
  consumer.apply(sessions.middleware).forRoutes('auth/*path', 'api/*path')
}
