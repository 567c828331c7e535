import { isUtf8 } from 'node:buffer'
import { type RequestHandler, text, urlencoded } from 'express'
import { BrokerError, parseJson } from '../../sdk/index.ts'
import { refuseOddJson } from './json-shape.ts'

/** Reads bodies: plain JSON in UTF-8, up to 256 KiB. Anything else is refused instead of overlooked. */
export const jsonBody = bodyOf('application/json')

/** The same under the name SCIM gives it as well: it stands before `jsonBody`, at its path. */
export const scimBody = bodyOf('application/json', 'application/scim+json')

/** For the few endpoints to which standards send forms: it stands before `jsonBody`, at their paths. */
export const formBody = urlencoded({ extended: false, limit: '32kb', parameterLimit: 20, inflate: false })

function bodyOf(...types: readonly string[]): RequestHandler[] {
  const read = text({ type: [...types], limit: '256kb', inflate: false, verify: refuseOddBody })
  return [onlyOf(types), parsed(read)]
}

/** Express would parse by itself, and takes a key for another where Node does. */
function parsed(read: RequestHandler): RequestHandler {
  return (request, response, next) => {
    const isRead = request.body !== undefined
    read(request, response, (error?: unknown) => {
      const { body } = request as { body?: unknown }
      if (error || isRead || typeof body !== 'string') return next(error)
      try {
        request.body = body === '' ? {} : parseJson(body)
      } catch (cause) {
        return next(new BrokerError('input.invalid', 'the body is not complete JSON', { cause }))
      }
      next()
    })
  }
}

function onlyOf(types: readonly string[]): RequestHandler {
  return ({ headers, body }, _response, next) => {
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
    const [, type = ''] = /^([^ ;]+) *(?:; *charset="?utf-8"?)?$/i.exec(headers['content-type'] ?? '') ?? []
    const isRead = body !== undefined // in another form, where one is expected
    if (!hasBody || isRead || types.includes(type.toLowerCase())) return next()
    next(
      new BrokerError('input.unsupported_media_type', `the body is not ${types.join(' or ')}`, {
        fix: `send content-type: ${types.at(-1)}`,
      }),
    )
  }
}

function refuseOddBody(_request: unknown, _response: unknown, body: Buffer): void {
  if (!isUtf8(body)) throw new BrokerError('input.invalid', 'the body is not UTF-8')
  refuseOddJson(body.toString('utf8'))
}
