import type { LoggerService } from '@nestjs/common'
import { Logger as NestPino, type PinoLogger } from 'nestjs-pino'
import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino'
import { type HttpLogger, pinoHttp } from 'pino-http'
import { currentRequestId } from './request-id.ts'

// A query string may hold what only its addressee should read, a header a credential, a statement's values anything.
const HIDDEN = ['parameters', 'query', 'detail', 'body'].flatMap((name) => [`err.${name}`, `error.${name}`])

/** Lines of JSON on standard output; each names the request it was written for. */
export function makeLogger(level: string, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: stdSerializers.err, error: stdSerializers.err },
      redact: { paths: [...HIDDEN, 'err.driverError', 'error.driverError', 'err.cause.parameters'], censor: '[hidden]' },
      mixin: () => ({ requestId: currentRequestId() }),
    },
    destination,
  )
}

/** One line per request: method, path, status and time. No header and no query, so nothing of them has to be hidden. */
export function requestLog(logger: Logger): HttpLogger {
  return pinoHttp({
    logger,
    autoLogging: { ignore: ({ url }) => url === '/livez' || url === '/readyz' || url === '/metrics' },
    customLogLevel: (_request, response, error) => (error || response.statusCode >= 500 ? 'error' : 'info'),
    serializers: {
      req: ({ method, url }: { method: string; url: string }) => ({ method, path: url.split('?')[0] }),
      res: ({ statusCode }: { statusCode: number }) => ({ statusCode }),
      err: () => undefined, // the filter has logged it
    },
  })
}

/** What Nest and our classes log through; Nest's roll call of modules and routes is for debugging. */
export function nestLogger(logger: Logger): LoggerService {
  return new QuietNest(logger as unknown as PinoLogger, {})
}

const ROLL_CALL = new Set<unknown>(['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory', 'NestApplication'])

// It only calls the level methods of what it is given, which pino has itself; nestjs-pino's own wrapper is one per process.
class QuietNest extends NestPino {
  override log(message: unknown, ...parameters: unknown[]): void {
    if (ROLL_CALL.has(parameters.at(-1))) this.debug(message, ...parameters)
    else super.log(message, ...parameters)
  }
}
