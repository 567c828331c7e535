import { BrokerError, type Host, isBrokerError } from '../../src/sdk/index.ts'
import {
  approleLogin,
  certLogin,
  createTransport,
  jwtLogin,
  type LoginMethod,
  refusal,
  Session,
  type Transport,
  tokenLogin,
  untilAborted,
  type VaultAnswer,
  type VaultCall,
} from '../../vault/index.ts'
import type { VaultClient, VaultFeatures, VaultSettings } from './client.ts'
import { isPem, type VaultConfig } from './config.ts'
import { probeAuditedHeader, probeFeatures } from './features.ts'
import { lineFor } from './minimum-policy.ts'

const FEATURES_LAST_MS = 3_600_000
const AUDITED_LASTS_MS = 300_000

export interface ConnectOptions {
  /** monotonic, milliseconds; tests turn it */
  readonly now?: () => number
}

/** Opens a connection. Sends nothing: the first call logs in. */
export async function connectVault(config: VaultConfig, host: Host, options: ConnectOptions = {}): Promise<VaultConnection> {
  refusePlainHttp(config, host)
  const now = options.now ?? (() => performance.now())
  const transport = createTransport({
    address: config.address,
    namespace: config.namespace,
    ca: config.caFile ? await caIn(config.caFile, config.address, host) : config.caPem,
    readCa: config.caFile ? () => pemIn(config.caFile ?? '', config.address, host) : undefined,
    clientCertificate:
      config.auth.method === 'cert' ? { cert: config.auth.certificatePem, key: config.auth.privateKeyPem } : undefined,
    timeoutMs: config.timeoutSeconds * 1000,
    proxy: config.proxy,
    redirectHosts: config.redirectHosts,
    userAgent: `latchkey/${host.version}`,
    now,
  })
  return new VaultConnection(config, host, transport, now)
}

export class VaultConnection implements VaultClient {
  readonly settings: VaultSettings
  readonly session: Session
  readonly config: VaultConfig
  readonly host: Host
  readonly #transport: Transport
  /** for what is found out once for whoever asks: those who end access may be among them */
  readonly #first: Pick<VaultClient, 'call' | 'settings'>
  readonly #now: () => number
  #features?: { readonly found: VaultFeatures; readonly until: number }
  #probing?: Promise<VaultFeatures>
  #audited?: { readonly found: Promise<boolean | undefined>; readonly until: number }
  #version?: string

  constructor(config: VaultConfig, host: Host, transport: Transport, now: () => number) {
    this.config = config
    this.host = host
    this.settings = {
      userpassMount: config.userpassMount,
      policyPrefix: config.policyPrefix,
      kvMounts: config.kvMounts,
      transitMounts: config.transitMounts,
      address: config.address,
      namespace: config.namespace,
      wrapTtlSeconds: config.wrapTtlSeconds,
    }
    this.#transport = transport
    this.#first = { settings: this.settings, call: (call) => this.call({ ...call, rank: 'ending' }) }
    this.#now = now
    this.session = new Session({
      method: loginMethod(config, host),
      namespace: config.namespace,
      now,
      send: async (call) =>
        this.#checked(call, await transport.send(call, typeof call.token === 'object' ? call.token : undefined)),
    })
  }

  async call(call: VaultCall): Promise<VaultAnswer> {
    if (call.token === 'none') return this.#checked(call, await this.#transport.send(call, undefined))
    if (call.token) return this.#checked(call, await this.#transport.send(call, call.token))
    const token = await this.session.token(call.signal)
    const answer = await this.#transport.send(call, token)
    if (answer.status !== 403) {
      this.session.wasServed()
      return this.#checked(call, answer)
    }
    const another = await this.session.replacementFor(token, call.signal)
    const last = another ? await this.#transport.send(call, another) : answer
    if (last.status === 403) this.session.wasRefused()
    else this.session.wasServed()
    return this.#checked(call, last)
  }

  async features(signal?: AbortSignal): Promise<VaultFeatures> {
    if (this.#features && this.#now() < this.#features.until) return this.#features.found
    this.#probing ??= this.#probe().finally(() => {
      this.#probing = undefined
    })
    return untilAborted(this.#probing, signal)
  }

  auditsCorrelation(signal?: AbortSignal, fresh?: 'fresh'): Promise<boolean | undefined> {
    if (fresh || !this.#audited || this.#now() >= this.#audited.until) {
      // What cannot be found out now is not known, and nothing waits for it.
      const found = probeAuditedHeader(this.#first).catch(() => undefined)
      this.#audited = { found, until: this.#now() + AUDITED_LASTS_MS }
    }
    return untilAborted(this.#audited.found, signal)
  }

  knownFeatures(): VaultFeatures | undefined {
    return this.#features?.found
  }

  /** Told by whoever read it; another version makes the next question about features ask the server. */
  sawVersion(version: string): void {
    if (this.#features && this.#version !== undefined && this.#version !== version)
      this.#features = { ...this.#features, until: 0 }
    this.#version = version
  }

  async close(): Promise<void> {
    try {
      await this.session.close()
    } catch (error) {
      if (!isBrokerError(error)) throw error
      this.host.log('warn', 'the broker’s own token was not revoked; it ends by itself', { code: error.code })
    } finally {
      await this.#transport.close()
    }
  }

  async #probe(): Promise<VaultFeatures> {
    const found = await probeFeatures(this.#first)
    this.#features = { found, until: this.#now() + FEATURES_LAST_MS }
    return found
  }

  #checked(call: VaultCall, answer: VaultAnswer): VaultAnswer {
    if ((answer.status >= 200 && answer.status < 300) || call.accept?.includes(answer.status)) return answer
    const ours = call.token === undefined
    throw refusal(call, answer, ours ? `add to the broker’s policy: ${lineFor(call, this.config)}` : undefined)
  }
}

function loginMethod(config: VaultConfig, host: Host): LoginMethod {
  const { auth } = config
  switch (auth.method) {
    case 'approle':
      return approleLogin(auth, host)
    case 'token':
      return tokenLogin(auth.token)
    case 'jwt':
      return jwtLogin(auth, host, addressesOf(config))
    case 'cert':
      return certLogin(auth)
  }
}

export function isPlainHttp(address: string): boolean {
  return new URL(address).protocol === 'http:'
}

function refusePlainHttp(config: VaultConfig, host: Host): void {
  const { hostname } = new URL(config.address)
  const loopback = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
  if (!isPlainHttp(config.address) || loopback || host.insecureDevelopment) return
  throw new BrokerError('input.invalid', 'plain http would carry the broker’s token in the clear', {
    field: 'config.address',
    fix: 'use https; plain http is for a loopback address only',
  })
}

/** Every place that calls of this connection may reach. */
function addressesOf({ address, redirectHosts }: VaultConfig): string[] {
  return [address, ...redirectHosts.map((host) => `${new URL(address).protocol}//${host}`)]
}

async function caIn(file: string, address: string, host: Host): Promise<string> {
  const text = await pemIn(file, address, host)
  if (text !== undefined) return text
  throw new BrokerError('input.invalid', `the CA file ${file} cannot be used for this address`, {
    field: 'config.caFile',
    fix: 'give the certificate as text, or lend the file to this address in the daemon’s LATCHKEY_INTEGRATION_FILES; its log says what else is wrong',
  })
}

async function pemIn(file: string, address: string, host: Host): Promise<string | undefined> {
  const text = await host.file(file, [address])
  if (text === undefined || isPem(text)) return text
  host.log('warn', 'a CA file holds no PEM certificate', { file })
  return undefined
}
