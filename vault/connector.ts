import { Agent, type Dispatcher, EnvHttpProxyAgent, ProxyAgent } from 'undici'
import type { Secret } from './secret.ts'

const MAX_ANSWER_BYTES = 64 * 1024 * 1024
/**
 * What servers may sign with. Without this list a server whose certificate is on a Brainpool curve ends the whole process: Node 24 dies of
 * reading one (a curve that has no name of NIST's), which it does by itself once the certificate is trusted.
 */
const SIGNATURES = [
  'ecdsa_secp256r1_sha256',
  'ecdsa_secp384r1_sha384',
  'ecdsa_secp521r1_sha512',
  'ed25519',
  'ed448',
  ...['rsa_pss_pss', 'rsa_pss_rsae', 'rsa_pkcs1'].flatMap((kind) =>
    ['sha256', 'sha384', 'sha512'].map((hash) => `${kind}_${hash}`),
  ),
].join(':')
/** A CA that is trusted no longer is noticed after this long; one that is missing, at the first certificate that is not accepted. */
const LOOK_EVERY_MS = 60_000

/** How one server is reached. */
export interface ConnectionOptions {
  readonly ca?: string
  /** where the CA comes from a file: what is in it now, undefined when that cannot be used */
  readonly readCa?: () => Promise<string | undefined>
  readonly clientCertificate?: { readonly cert: string; readonly key: Secret }
  readonly timeoutMs: number
  readonly proxy?: string
  /** monotonic, milliseconds */
  readonly now: () => number
}

/** The connections to one server. Where the CA is in a file, they go by what the file says now. */
export class Connector {
  readonly #options: ConnectionOptions
  #ca: string | undefined
  #current: Dispatcher
  #lookedAt: number
  #looking?: Promise<void>

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#ca = options.ca
    this.#current = dispatcherFor(options, options.ca)
    this.#lookedAt = options.now()
  }

  async dispatcher(): Promise<Dispatcher> {
    if (this.#options.readCa && this.#options.now() - this.#lookedAt >= LOOK_EVERY_MS) await this.#look()
    return this.#current
  }

  /** After a certificate that `used` did not accept: whether there is another one to try now. */
  async readAgain(used: Dispatcher): Promise<boolean> {
    if (this.#current === used) await this.#look()
    return this.#current !== used
  }

  async close(): Promise<void> {
    await this.#current.destroy()
  }

  #look(): Promise<void> {
    this.#looking ??= this.#takeOver().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #takeOver(): Promise<void> {
    const ca = await this.#options.readCa?.()
    this.#lookedAt = this.#options.now()
    // A file that is being replaced may hold nothing for a moment: what was trusted stays.
    if (ca === undefined || ca === this.#ca) return
    const former = this.#current
    this.#ca = ca
    this.#current = dispatcherFor(this.#options, ca)
    void former.close() // once the calls that are under way are answered
  }
}

function dispatcherFor(options: ConnectionOptions, ca: string | undefined): Dispatcher {
  const tls = {
    ca,
    cert: options.clientCertificate?.cert,
    key: options.clientCertificate?.key.reveal(),
    // Said aloud, because NODE_TLS_REJECT_UNAUTHORIZED=0 would otherwise switch it off.
    rejectUnauthorized: true,
    sigalgs: SIGNATURES,
  }
  const connectTimeout = Math.min(options.timeoutMs, 10_000)
  const common = {
    allowH2: false,
    connect: { ...tls, timeout: connectTimeout },
    requestTls: tls,
    proxyTls: { rejectUnauthorized: true, sigalgs: SIGNATURES },
    connectTimeout,
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
    maxResponseSize: MAX_ANSWER_BYTES,
  }
  if (options.proxy) return new ProxyAgent({ ...common, uri: options.proxy })
  const { HTTPS_PROXY, https_proxy, HTTP_PROXY, http_proxy } = process.env
  if (HTTPS_PROXY || https_proxy || HTTP_PROXY || http_proxy) return new EnvHttpProxyAgent(common)
  return new Agent(common)
}
