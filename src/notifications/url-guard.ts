import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { BrokerError } from '../sdk/index.ts'

export interface ResolvedAddress {
  readonly address: string
  readonly family: number
}

/** All addresses of a host name, asked each time. */
export type Resolve = (host: string) => Promise<readonly ResolvedAddress[]>

export const resolveAll: Resolve = (host) => lookup(host, { all: true })

export interface Liberty {
  /** the loopback, and there plain http, is allowed */
  readonly development: boolean
}

/** The URL of a receiver, as far as can be told without asking for its address. */
export function receiverUrl(text: string, liberty: Liberty): URL {
  const url = URL.parse(text)
  if (!url) throw refused('is not a URL', 'give it as https://hooks.example.com/path')
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refused(`uses ${url.protocol}`, 'use https')
  if (url.username !== '' || url.password !== '') {
    throw refused('carries credentials', 'remove user and password; the receiver knows the broker by the signature')
  }
  const host = hostOf(url)
  const isLoopback = isLoopbackHost(host)
  if (url.protocol === 'http:' && !(liberty.development && isLoopback)) throw refused('uses plain http', 'use https')
  if (isIP(host) !== 0) check(host, host, liberty)
  else if (isLoopback && !liberty.development) throw refused('leads to the broker’s own machine', PUBLIC)
  // A port below 1024 that is not https belongs to a service that would only misunderstand us.
  const port = Number(url.port)
  if (port !== 0 && port !== 443 && port < 1024 && !isLoopback)
    throw refused(`names port ${port}`, 'use port 443, or one above 1023')
  return url
}

/** The addresses of its host, each of which may be connected to: one that may not condemns all. Connect to these and to no others. */
export async function allowedAddresses(
  url: URL,
  liberty: Liberty,
  resolve: Resolve = resolveAll,
): Promise<readonly ResolvedAddress[]> {
  const host = hostOf(url)
  const family = isIP(host)
  const addresses = family === 0 ? await resolved(host, resolve) : [{ address: host, family }]
  if (addresses.length === 0) throw new BrokerError('target.unreachable', `${host} has no address`)
  for (const { address } of addresses) check(address, host, liberty)
  return addresses
}

async function resolved(host: string, resolve: Resolve): Promise<readonly ResolvedAddress[]> {
  try {
    return await resolve(host)
  } catch (cause) {
    throw new BrokerError('target.unreachable', `${host} could not be resolved`, { cause, fix: 'check the host name' })
  }
}

function check(address: string, host: string, { development }: Liberty): void {
  if (isPublic(address) || (development && isLoopbackAddress(address))) return
  const where = address === host ? 'is' : `resolves to ${address}, which is`
  throw refused(`leads to ${host}, which ${where} not a public address`, PUBLIC)
}

// 168.63.129.16 is where Azure's machines find their metadata; the rest are blocks that ipaddr.js takes for ordinary ones.
const SPECIAL = ['168.63.129.16/32', '192.88.99.0/24', '3fff::/20', '2001::/23', '2620:4f:8000::/48'].map((block) =>
  ipaddr.parseCIDR(block),
)

/** Whether an address is one of the Internet's, and not of a private, local, translated or otherwise special kind. */
export function isPublic(address: string): boolean {
  if (isIP(address) === 0 || address.includes('%')) return false
  const parsed = ipaddr.parse(address)
  if (parsed.range() !== 'unicast') return false
  // Only 2000::/3 is given out. What lies beside it may be IPv4 in disguise.
  if (parsed.kind() === 'ipv6' && parsed.toByteArray()[0]! >> 5 !== 1) return false
  return !SPECIAL.some((block) => block[0].kind() === parsed.kind() && parsed.match(block))
}

function isLoopbackAddress(address: string): boolean {
  return isIP(address) !== 0 && ipaddr.parse(address).range() === 'loopback'
}

function isLoopbackHost(host: string): boolean {
  return isLoopbackAddress(host) || /^(.*\.)?localhost\.?$/.test(host)
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

const PUBLIC = 'use a receiver with a public address'

function refused(what: string, fix: string): BrokerError {
  return new BrokerError('input.invalid', what, { field: 'url', fix })
}
