import 'reflect-metadata'
import { isUtf8 } from 'node:buffer'
import { type DynamicModule, Logger } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import { json, type NextFunction, type Request, type Response } from 'express'
import helmet from 'helmet'
import type { DestinationStream } from 'pino'
import { AppModule } from './app.module.ts'
import type { Config } from './config.ts'
import { InputPipe } from './platform/input-pipe.ts'
import { makeLogger, nestLogger, requestLog } from './platform/logger.ts'
import { migrate } from './platform/migrate.ts'
import { serveOpenApi } from './platform/openapi.ts'
import { ProblemFilter } from './platform/problem-filter.ts'
import { requestIds } from './platform/request-id.ts'
import { RouteTable } from './platform/route-table.ts'
import type { StateFolder } from './platform/state-folder.ts'
import { BrokerError } from './sdk/index.ts'

export interface AppOptions {
  readonly config: Config
  readonly databaseUrl: string
  readonly state: StateFolder
  /** where log lines go; standard output unless told */
  readonly logTo?: DestinationStream
  /** beside the broker's own */
  readonly modules?: readonly DynamicModule[]
}

/** The daemon, ready to listen: the schema is up to date, nothing is being worked on yet. */
export async function createApp({
  config,
  databaseUrl,
  state,
  logTo,
  modules = [],
}: AppOptions): Promise<NestExpressApplication> {
  const logger = makeLogger(config.logLevel, logTo)
  Logger.overrideLogger(nestLogger(logger))
  const ran = await migrate(databaseUrl)
  if (ran.length > 0) logger.info({ migrations: ran }, 'brought the database up to date')
  const root = AppModule.on({ config, databaseUrl, state })
  const app = await NestFactory.create<NestExpressApplication>(
    { ...root, imports: [...(root.imports ?? []), ...modules] },
    { logger: nestLogger(logger), bodyParser: false, abortOnError: false },
  )
  app.set('trust proxy', config.trustProxy)
  app.set('query parser', 'simple') // a=1&a=2 is a list, which no schema takes; nothing nests
  app.set('etag', false)
  app.disable('x-powered-by')
  app.use(requestIds, requestLog(logger), headers(config), onlyJson)
  app.use(json({ limit: '256kb', inflate: false, strict: false, verify: refuseBrokenUtf8 }))
  app.useGlobalPipes(new InputPipe())
  app.useGlobalFilters(new ProblemFilter(app.get(RouteTable)))
  serveOpenApi(app)
  return app
}

// Over plain http a browser must not be told to use https: at any name but localhost it would see an empty page.
function headers({ publicUrl }: Config) {
  const isHttps = publicUrl?.startsWith('https:') ?? false
  return helmet({
    contentSecurityPolicy: { directives: { 'upgrade-insecure-requests': isHttps ? [] : null } },
    strictTransportSecurity: isHttps,
  })
}

function onlyJson(request: Request, _response: Response, next: NextFunction): void {
  const hasBody = request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
  const isJson = /^application\/json *(; *charset="?utf-8"?)?$/i.test(request.headers['content-type'] ?? '')
  if (!hasBody || isJson) return next()
  next(
    new BrokerError('input.unsupported_media_type', 'the body is not application/json', {
      fix: 'send content-type: application/json',
    }),
  )
}

function refuseBrokenUtf8(_request: unknown, _response: unknown, body: Buffer): void {
  if (!isUtf8(body)) throw new BrokerError('input.invalid', 'the body is not UTF-8')
}
