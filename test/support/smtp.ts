import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

export interface Letter {
  readonly from: string
  readonly to: readonly string[]
  /** unfolded, by name in lower case */
  readonly headers: ReadonlyMap<string, string>
  readonly raw: string
  /** the parts, decoded */
  readonly plain: string
  readonly html: string
  readonly secure: boolean
  readonly user: string | undefined
}

export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** A mail server on the loopback that keeps what it is given. */
export interface PostOffice {
  readonly port: number
  readonly letters: Letter[]
  /** why the next recipients are refused: 4xx passes, 5xx stays; undefined accepts */
  refuse: (address: string) => { code: number; message: string } | undefined
  /** the same, once the whole letter was sent */
  refuseLetter: () => { code: number; message: string } | undefined
  attempts: number
  close(): Promise<void>
}

export async function startPostOffice(
  options: { tls?: Certificate; login?: { user: string; password: string } } = {},
): Promise<PostOffice> {
  const { tls, login } = options
  const server = new SMTPServer({
    ...tls,
    disabledCommands: [...(tls ? [] : ['STARTTLS']), ...(login ? [] : ['AUTH'])],
    authOptional: login === undefined,
    logger: false,
    onAuth: (auth, _session, done) => {
      if (auth.username === login?.user && auth.password === login?.password) done(null, { user: auth.username })
      else done(refusal({ code: 535, message: `wrong password ${auth.password}` }))
    },
    onRcptTo: ({ address }, _session, done) => {
      office.attempts += 1
      const refused = office.refuse(address)
      done(refused && refusal(refused))
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => void chunks.push(chunk))
      stream.on('end', () => {
        const refused = office.refuseLetter()
        if (refused) return done(refusal(refused))
        const raw = Buffer.concat(chunks).toString('utf8')
        const { mailFrom, rcptTo } = session.envelope
        const to = rcptTo.map(({ address }) => address)
        const from = mailFrom === false ? '' : mailFrom.address
        letters.push({ from, to, raw, ...read(raw), secure: session.secure, user: session.user as string | undefined })
        done()
      })
    },
  })
  const letters: Letter[] = []
  server.on('error', () => {}) // a client that breaks off is part of the tests
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const office: PostOffice = {
    port: (server.server.address() as AddressInfo).port,
    letters,
    refuse: () => undefined,
    refuseLetter: () => undefined,
    attempts: 0,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
  return office
}

function refusal({ code, message }: { code: number; message: string }): Error {
  return Object.assign(new Error(message), { responseCode: code })
}

function read(raw: string): Pick<Letter, 'headers' | 'plain' | 'html'> {
  const { headers, body } = split(raw)
  const boundary = /boundary="?([^";]+)/.exec(headers.get('content-type') ?? '')?.[1]
  const parts = boundary
    ? body
        .split(`--${boundary}`)
        .slice(1, -1)
        .map((part) => split(part.replace(/^\r\n/, '')))
    : []
  const of = (type: string) => {
    const part = parts.find((one) => one.headers.get('content-type')?.startsWith(type))
    return part ? decode(part.body, part.headers.get('content-transfer-encoding')).replaceAll('\r\n', '\n') : ''
  }
  return { headers, plain: of('text/plain'), html: of('text/html') }
}

function split(raw: string): { headers: ReadonlyMap<string, string>; body: string } {
  const end = raw.indexOf('\r\n\r\n')
  const lines = raw
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  return { headers, body: raw.slice(end + 4) }
}

function decode(body: string, encoding: string | undefined): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8')
  if (encoding !== 'quoted-printable') return body
  const bytes = body
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

/** A header as a person reads it: encoded words decoded (RFC 2047). */
export function decodedHeader(value: string): string {
  return value
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, kind: string, words: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(words, 'base64').toString('utf8')
        : decode(words.replaceAll('_', ' '), 'quoted-printable'),
    )
}
