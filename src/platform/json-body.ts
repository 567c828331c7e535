import { isUtf8 } from 'node:buffer'
import { json, type NextFunction, type Request, type Response } from 'express'
import { BrokerError } from '../sdk/index.ts'
import { refuseOddJson } from './json-shape.ts'

/** Reads bodies: plain JSON in UTF-8, up to 256 KiB. Anything else is refused instead of overlooked. */
export const jsonBody = [onlyJson, json({ limit: '256kb', inflate: false, strict: false, verify: refuseOddBody })]

function onlyJson(request: Request, _response: Response, next: NextFunction): void {
  const { headers } = request
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  const isJson = /^application\/json *(; *charset="?utf-8"?)?$/i.test(headers['content-type'] ?? '')
  const refusal = new BrokerError('input.unsupported_media_type', 'the body is not application/json', {
    fix: 'send content-type: application/json',
  })
  next(hasBody && !isJson ? refusal : undefined)
}

function refuseOddBody(_request: unknown, _response: unknown, body: Buffer): void {
  if (!isUtf8(body)) throw new BrokerError('input.invalid', 'the body is not UTF-8')
  refuseOddJson(body.toString('utf8'))
}
