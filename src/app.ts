import 'reflect-metadata'
import { type DynamicModule, Logger, type Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import helmet from 'helmet'
import type { DestinationStream } from 'pino'
import { appModule } from './app.module.ts'
import type { Config } from './config/config.ts'
import { calls } from './platform/http/call.ts'
import { callIds } from './platform/http/call-id.ts'
import { forwardedFor } from './platform/http/forwarded-for.ts'
import { HttpServer } from './platform/http/http-server.ts'
import { InputPipe } from './platform/http/input-pipe.ts'
import { formBody, jsonBody, scimBody } from './platform/http/json-body.ts'
import { serveOpenApi } from './platform/http/openapi.ts'
import { readPortal, servePortal } from './platform/http/portal.ts'
import { ProblemFilter } from './platform/http/problem-filter.ts'
import { RouteTable } from './platform/http/route-table.ts'
import { SCIM_PATH } from './platform/http/scim-error.ts'
import type { StateFolder } from './platform/installation/state-folder.ts'
import { migrate } from './platform/postgres/migrate.ts'
import { makeLogger, nestLogger, requestLog } from './platform/watching/logger.ts'
import { Metrics } from './platform/watching/metrics.ts'
import { requestTimes } from './platform/watching/request-times.ts'
import type { AnyPlugin } from './sdk/index.ts'

export interface AppOptions {
  readonly config: Config
  readonly databaseUrl: string
  /** of the role that owns the tables, for the migrations alone; otherwise the daemon works as their owner */
  readonly ownerUrl?: string | undefined
  readonly state: StateFolder
  /** the folder of the built portal; without one the API and the command line are the front door */
  readonly portal?: string
  /** where log lines go; standard output unless given */
  readonly logTo?: DestinationStream
  /** instead of the broker's own */
  readonly plugins?: readonly AnyPlugin[]
  /** beside the broker's own */
  readonly modules?: readonly (DynamicModule | Type)[]
}

/** The daemon, ready to listen: the schema is up to date, nothing is being worked on yet. */
export async function createApp({
  config,
  databaseUrl,
  ownerUrl,
  state,
  portal: portalFolder,
  logTo,
  plugins,
  modules = [],
}: AppOptions): Promise<NestExpressApplication> {
  const logger = makeLogger(config.logLevel, logTo)
  Logger.overrideLogger(nestLogger(logger))
  for (const warning of config.inTheClear) logger.warn(warning)
  const ran = await migrate(ownerUrl ?? databaseUrl, ownerUrl && userOf(databaseUrl))
  if (ran.length > 0) logger.info({ migrations: ran }, 'brought the database up to date')
  const root = appModule({ config, databaseUrl, state, plugins })
  const app = await NestFactory.create<NestExpressApplication>(
    { ...root, imports: [...root.imports, ...modules] },
    new HttpServer(),
    { logger: nestLogger(logger), bodyParser: false, abortOnError: false },
  )
  app.set('trust proxy', config.trustProxy)
  app.set('query parser', 'simple') // a=1&a=2 is a list, which no schema takes; nothing nests
  app.set('etag', false)
  app.disable('x-powered-by')
  app.use(callIds, forwardedFor, calls, requestLog(logger), requestTimes(app.get(Metrics)), headers(config))
  const portal = portalFolder === undefined ? undefined : await readPortal(portalFolder)
  if (portal) app.use(servePortal(portal, app.get(RouteTable), config))
  else if (portalFolder !== undefined) logger.warn({ folder: portalFolder }, 'there is no portal: `npm run build` makes it')
  app.use('/auth/back-channel-logout', formBody)
  app.use(SCIM_PATH, ...scimBody)
  app.use(...jsonBody)
  app.useGlobalPipes(new InputPipe())
  app.useGlobalFilters(new ProblemFilter(app.get(RouteTable)))
  serveOpenApi(app)
  return app
}

function userOf(databaseUrl: string): string {
  return decodeURIComponent(new URL(databaseUrl).username)
}

// Over plain http a browser must not be told to use https: at any name but localhost it would see an empty page.
function headers({ publicUrl }: Config) {
  const isHttps = publicUrl?.startsWith('https:') ?? false
  return helmet({
    contentSecurityPolicy: { directives: { 'upgrade-insecure-requests': isHttps ? [] : null } },
    strictTransportSecurity: isHttps,
  })
}
