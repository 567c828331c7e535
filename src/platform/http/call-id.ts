import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import type { NextFunction, Request, Response } from 'express'

const HEADER = 'X-Request-Id'
const current = new AsyncLocalStorage<string>()

/** Names the call: as its caller did, if that can be logged. The wire and the log say `requestId`. The answer and every log line made on its behalf carry it. */
export function callIds(request: Request, response: Response, next: NextFunction): void {
  const given = request.get(HEADER)
  const callId = given !== undefined && /^[A-Za-z0-9._-]{8,64}$/.test(given) ? given : randomBytes(12).toString('hex')
  request.id = callId
  response.setHeader(HEADER, callId)
  current.run(callId, next)
}

/** Of the request being answered; undefined in work nobody waits for. */
export function currentCallId(): string | undefined {
  return current.getStore()
}
