import { isIP } from 'node:net'
import { z } from 'zod'

/** Under which people reach the broker. */
export function origin(value: string, context: z.RefinementCtx<string>): string {
  const url = URL.parse(value)
  const isOrigin =
    url !== null && /^https?:$/.test(url.protocol) && [url.origin, `${url.origin}/`].includes(url.href.replace(/\/$/, ''))
  if (isOrigin) return url.origin
  context.addIssue({ code: 'custom', message: 'give scheme, host and port, as in https://latchkey.example.com' })
  return z.NEVER
}

/** Who may say which address a call comes from. */
export function proxies(value: string, context: z.RefinementCtx<string>): false | number | string[] {
  if (value === 'off') return false
  if (/^[1-9]$/.test(value)) return Number(value)
  const addresses = value.split(',').map((address) => address.trim())
  if (addresses.every(isProxy)) return addresses
  const message = 'set it to off, to the number of proxies, or to their addresses (10.0.0.0/8,loopback)'
  context.addIssue({ code: 'custom', message })
  return z.NEVER
}

function isProxy(address: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(address)) return true
  const [ip = '', bits = '0', ...more] = address.split('/')
  const version = isIP(ip)
  return version !== 0 && more.length === 0 && /^[0-9]{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128)
}
