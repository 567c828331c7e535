import pg from 'pg'
import { isLoopback } from './loopback.ts'
import { isThisMachine, parseSmtpUrl } from './smtp-server.ts'

/** A way on which secrets would travel unencrypted. */
export interface PlainRoad {
  readonly variable: string
  readonly problem: string
  readonly fix: string
  /** the operator said that it may be so; then it is a warning */
  readonly allowed: boolean
}

/** Where the environment would have tokens, passwords or people's requests cross a wire in the clear. */
export function plainRoads(env: NodeJS.ProcessEnv): PlainRoad[] {
  const databases = ['DATABASE_URL', 'LATCHKEY_OWNER_DATABASE_URL'].map((variable) => toTheDatabase(variable, env))
  return [toOurselves(env), ...databases, toTheMailServer(env)].filter((road) => road !== undefined)
}

function toOurselves(env: NodeJS.ProcessEnv): PlainRoad | undefined {
  const { LATCHKEY_PUBLIC_URL, LATCHKEY_HOST = '127.0.0.1', LATCHKEY_DEVELOPMENT } = env
  const url = URL.parse(LATCHKEY_PUBLIC_URL ?? '')
  if (url?.protocol === 'https:') return undefined
  const allowed = LATCHKEY_DEVELOPMENT === 'true'
  const fix = 'put a proxy with TLS in front and set LATCHKEY_PUBLIC_URL to its https:// origin'
  if (url && !isLoopback(url.hostname)) {
    return { variable: 'LATCHKEY_PUBLIC_URL', problem: 'would let people send tokens and passwords in the clear', fix, allowed }
  }
  if (isLoopback(LATCHKEY_HOST)) return undefined
  return {
    variable: 'LATCHKEY_HOST',
    problem: 'listens beyond this machine without TLS',
    fix: `${fix}, or set LATCHKEY_HOST to 127.0.0.1`,
    allowed,
  }
}

function toTheDatabase(variable: string, env: NodeJS.ProcessEnv): PlainRoad | undefined {
  const { [variable]: url, LATCHKEY_DATABASE_TLS, LATCHKEY_DEVELOPMENT } = env
  if (url === undefined || isSafeDatabase(url)) return undefined
  return {
    variable,
    problem: 'reaches a database beyond this machine without verified TLS',
    fix: 'add ?sslmode=verify-full (and sslrootcert=… for a CA of your own), or accept it with LATCHKEY_DATABASE_TLS=off',
    allowed: LATCHKEY_DATABASE_TLS === 'off' || LATCHKEY_DEVELOPMENT === 'true',
  }
}

/** As the driver itself will read the URL. One that it cannot read is not connected to. */
function isSafeDatabase(url: string): boolean {
  try {
    const { host, ssl } = new pg.Client({ connectionString: url }) as pg.Client & { ssl: boolean | Record<string, unknown> }
    if (host.startsWith('/') || isLoopback(host)) return true
    if (typeof ssl === 'boolean') return ssl
    return ssl['rejectUnauthorized'] !== false && ssl['checkServerIdentity'] === undefined
  } catch {
    return true
  }
}

function toTheMailServer({ LATCHKEY_SMTP_URL, LATCHKEY_SMTP_TLS }: NodeJS.ProcessEnv): PlainRoad | undefined {
  const server = parseSmtpUrl(LATCHKEY_SMTP_URL ?? '')
  if (LATCHKEY_SMTP_TLS !== 'off' || !server || server.secure || isThisMachine(server)) return undefined
  return {
    variable: 'LATCHKEY_SMTP_TLS',
    problem: 'lets e-mail travel in the clear where the mail server offers no TLS',
    fix: 'unset it',
    allowed: true,
  }
}
