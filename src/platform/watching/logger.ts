import type { LoggerService } from '@nestjs/common'
import { Logger as NestPino, type PinoLogger } from 'nestjs-pino'
import { type DestinationStream, type Logger, pino } from 'pino'
import { type HttpLogger, pinoHttp } from 'pino-http'
import { currentCaller } from '../http/call.ts'
import { currentCallId } from '../http/call-id.ts'

/** Lines of JSON on standard output; each names the request it was written for, the person whose it is, and their address. */
export function makeLogger(level: string, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: (error) => toldOf(error), error: (error) => toldOf(error) },
      mixin: () => ({ requestId: currentCallId(), ...currentCaller() }),
    },
    destination,
  )
}

const CAUSES_TOLD = 4

/** Named properties alone: what else hangs on an error (a client, a statement's values, a body) may hold a secret. */
function toldOf(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { message: `thrown: ${typeof error}` }
  const { code, constraint, fix, field, requestId } = error as Error & Record<string, unknown>
  const scalar = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? value : undefined)
  return {
    type: error.name,
    message: error.message,
    code: scalar(code),
    constraint: scalar(constraint),
    fix: scalar(fix),
    field: scalar(field),
    requestId: scalar(requestId),
    stack: error.stack,
    cause: error.cause !== undefined && depth < CAUSES_TOLD ? toldOf(error.cause, depth + 1) : undefined,
  }
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
