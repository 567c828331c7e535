import type { NextFunction, Request, Response } from 'express'

const HEADER = 'x-forwarded-for'

/** Some proxies name the port with the address. Without it the trusted ones among them are recognised, and one caller is one source. */
export function forwardedFor({ headers }: Request, _response: Response, next: NextFunction): void {
  const written = headers[HEADER]
  if (typeof written === 'string') headers[HEADER] = written.split(',').map(withoutPort).join(', ')
  next()
}

/** `192.0.2.1:4711`, `[2001:db8::1]:4711` and `[2001:db8::1]`, in quotes or not, without what is not the address. */
export function withoutPort(written: string): string {
  const hop = written.trim().replace(/^"(.*)"$/, '$1')
  return /^\[([^\]]*)\](?::\d*)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d*$/.exec(hop)?.[1] ?? hop
}
