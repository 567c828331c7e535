import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common'
import type { Request, Response } from 'express'
import type { Problem } from '../../contract/problem.ts'
import { BrokerError, ERRORS, type ErrorCode } from '../../sdk/index.ts'
import { refusalOfDatabase } from '../postgres/database-errors.ts'
import { InvalidInput } from './input-pipe.ts'
import type { RouteTable } from './route-table.ts'
import { SCIM_PATH, scimErrorOf } from './scim-error.ts'

/** The one place where what went wrong becomes an answer. What is not a `BrokerError` is a bug: logged whole, told nothing of. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly log = new Logger(ProblemFilter.name)

  constructor(private readonly routes: RouteTable) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp()
    const request = http.getRequest<Request>()
    const response = http.getResponse<Response>()
    const error = this.translate(thrown, request, response)
    if (response.headersSent) return void response.destroy()
    const { status } = ERRORS[error.code]
    if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="latchkey"')
    if (error.retryAfterMs !== undefined) response.setHeader('Retry-After', Math.ceil(error.retryAfterMs / 1000))
    response.status(status).setHeader('Cache-Control', 'no-store')
    if (request.originalUrl.startsWith(`${SCIM_PATH}/`)) {
      response.type('application/scim+json').send(JSON.stringify(scimErrorOf(error)))
      return
    }
    response.type('application/problem+json').send(JSON.stringify(describe(error, response.get('X-Request-Id') ?? 'none')))
  }

  private translate(thrown: unknown, request: Request, response: Response): BrokerError {
    if (thrown instanceof BrokerError) {
      // Refusing a caller is everyday business; a fault behind us is for the operator as well.
      if (ERRORS[thrown.code].status >= 500) this.log.warn({ error: thrown }, `${request.method} was not served`)
      return thrown
    }
    const status = statusOf(thrown)
    if (status === 404) return this.noSuchRoute(request, response)
    const refusal = status === undefined ? undefined : refusalOfCall(status, thrown)
    if (refusal) return refusal
    this.log.error({ error: thrown }, `${request.method} met a fault of ours`)
    return (
      refusalOfDatabase(thrown) ?? new BrokerError('internal', 'the broker made a mistake of its own; its log has the request id')
    )
  }

  private noSuchRoute({ method, path }: Request, response: Response): BrokerError {
    const allowed = this.routes.methodsAt(path)
    if (allowed.length === 0) return new BrokerError('not_found', 'there is nothing at this path', { fix: 'see /openapi.json' })
    response.setHeader('Allow', allowed.join(', '))
    return new BrokerError('input.method', `this path does not take ${method}`, { fix: `use ${allowed.join(' or ')}` })
  }
}

function describe(error: BrokerError, requestId: string): Problem {
  const { status, meaning } = ERRORS[error.code]
  return {
    type: `urn:latchkey:problem:${error.code}`,
    title: meaning,
    status,
    code: error.code,
    message: error.message,
    fix: error.fix,
    field: error.field,
    issues: error instanceof InvalidInput && error.issues.length > 1 ? [...error.issues] : undefined,
    requestId,
  }
}

/** Of what Nest, Express and the body parser throw for a call they do not accept. */
function statusOf(thrown: unknown): number | undefined {
  if (thrown instanceof HttpException) return thrown.getStatus()
  const status = (thrown as { status?: unknown } | null)?.status
  return typeof status === 'number' ? status : undefined
}

// Their messages may quote the body, and with it a secret: ours never do.
function refusalOfCall(status: number, cause: unknown): BrokerError | undefined {
  const refusals: Partial<Record<number, readonly [ErrorCode, string]>> = {
    400: ['input.invalid', 'the path or the body cannot be read: the JSON must be complete, and the path correctly encoded'],
    403: ['input.invalid', 'the body is not UTF-8'], // the body parser's word for what its `verify` refuses
    413: ['input.too_large', 'the body is larger than 256 KiB'],
    415: ['input.unsupported_media_type', 'the body is not plain JSON in UTF-8'],
    429: ['rate.limited', 'too many calls'],
    503: ['unavailable', 'the broker is starting or stopping'],
  }
  const [code, message] = refusals[status] ?? []
  return code && message ? new BrokerError(code, message, { cause }) : undefined
}
