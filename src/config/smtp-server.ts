import { z } from 'zod'
import { Secret } from '../sdk/index.ts'
import { isLoopback } from './loopback.ts'

/** The server that takes our e-mail. */
export interface SmtpServer {
  readonly host: string
  readonly port: number
  /** TLS from the first byte; without it STARTTLS is used where the server offers it */
  readonly secure: boolean
  readonly login?: { readonly user: string; readonly password: Secret }
}

export interface Mailbox {
  readonly name: string
  readonly address: string
}

/** `smtp://user:password@host:587` or `smtps://host`; undefined when it is neither. */
export function parseSmtpUrl(text: string): SmtpServer | undefined {
  const url = URL.parse(text)
  if (!url || !/^smtps?:$/.test(url.protocol) || url.hostname === '' || /[^/]/.test(url.pathname + url.search + url.hash)) {
    return undefined
  }
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const secure = url.protocol === 'smtps:'
  const port = Number(url.port) || (secure ? 465 : 587)
  if (url.username === '') return url.password === '' ? { host, port, secure } : undefined
  try {
    const password = new Secret(decodeURIComponent(url.password))
    return { host, port, secure, login: { user: decodeURIComponent(url.username), password } }
  } catch {
    return undefined // a stray % in the credentials: the caller says how to write them
  }
}

/** `Latchkey <latchkey@example.com>` or the address alone; undefined when it is neither. */
export function parseMailbox(text: string): Mailbox | undefined {
  const [, name = '', bracketed, alone] = /^(?:([^<>\p{Cc}"]*)<([^<>\s]+)>|([^<>\s]+))$/u.exec(text.trim()) ?? []
  const address = z
    .email()
    .max(254)
    .safeParse(bracketed ?? alone)
  return address.success ? { name: name.trim() || 'Latchkey', address: address.data } : undefined
}

/** Whether what is sent there can be read on no wire. */
export function isThisMachine({ host }: Pick<SmtpServer, 'host'>): boolean {
  return isLoopback(host)
}
