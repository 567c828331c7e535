import type { NextFunction, Request, Response } from 'express'
import type { Metrics } from './metrics.ts'

/** Times every request by its route, never by its path: that would be a series for each id. */
export function requestTimes(metrics: Metrics) {
  const seconds = metrics.histogram('latchkey_http_request_seconds', 'from the head of a call to the end of its answer')
  return (request: Request, response: Response, next: NextFunction): void => {
    const begun = performance.now()
    response.once('finish', () => {
      const { path: route = 'none' } = (request.route ?? {}) as { path?: string }
      const labels = { method: request.method, route, status: response.statusCode }
      seconds.record((performance.now() - begun) / 1000, labels)
    })
    next()
  }
}
