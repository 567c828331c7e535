import { isUtf8 } from 'node:buffer'
import { json, type NextFunction, type Request, type Response, urlencoded } from 'express'
import { BrokerError } from '../sdk/index.ts'
import { refuseOddJson } from './json-shape.ts'

/** Reads bodies: plain JSON in UTF-8, up to 256 KiB. Anything else is refused instead of overlooked. */
export const jsonBody = [onlyJson, json({ limit: '256kb', inflate: false, strict: false, verify: refuseOddBody })]

/** For the few endpoints to which standards send forms: mounted before `jsonBody`, at their paths. */
export const formBody = urlencoded({ extended: false, limit: '32kb', parameterLimit: 20, inflate: false })

function onlyJson(request: Request, _response: Response, next: NextFunction): void {
  const { headers } = request
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  const isJson = /^application\/json *(; *charset="?utf-8"?)?$/i.test(headers['content-type'] ?? '')
  const refusal = new BrokerError('input.unsupported_media_type', 'the body is not application/json', {
    fix: 'send content-type: application/json',
  })
  const isRead = request.body !== undefined // a form, where one is expected
  next(hasBody && !isJson && !isRead ? refusal : undefined)
}

function refuseOddBody(_request: unknown, _response: unknown, body: Buffer): void {
  if (!isUtf8(body)) throw new BrokerError('input.invalid', 'the body is not UTF-8')
  refuseOddJson(body.toString('utf8'))
}
