import { BrokerError, type Host, isBrokerError, type SessionStatus } from '../../src/sdk/index.ts'
import { openVault, type Secret, untilAborted, type Vault, type VaultAnswer, type VaultCall } from '../../vault/index.ts'
import type { VaultClient, VaultFeatures, VaultSettings } from './client.ts'
import { isPem, type VaultConfig } from './config.ts'
import { inBrokersWords } from './errors.ts'
import { probeAuditedHeader, probeFeatures } from './features.ts'
import { loginMethod } from './logins.ts'
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
  const vault = openVault({
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
    login: loginMethod(config, host),
    remedy: (call) => `add to the broker’s policy: ${lineFor(call, config)}`,
    now,
  })
  return new VaultConnection(config, host, vault, now)
}

/** The broker's own session, as the rest of the plugin sees it. */
export interface BrokerSession {
  token(signal?: AbortSignal): Promise<Secret>
  keepAlive(signal: AbortSignal): Promise<void>
  lookAgain(): Promise<boolean>
  foundNewRights(signal?: AbortSignal): Promise<boolean>
  usesOfAToken(): number | undefined
  status(): SessionStatus
}

export class VaultConnection implements VaultClient {
  readonly settings: VaultSettings
  readonly session: BrokerSession
  readonly config: VaultConfig
  readonly host: Host
  readonly #vault: Vault
  /** for what is found out once for all who ask: those who end access may be among them */
  readonly #first: Pick<VaultClient, 'call' | 'settings'>
  readonly #now: () => number
  #features?: { readonly found: VaultFeatures; readonly until: number }
  #probing?: Promise<VaultFeatures>
  #audited?: { readonly found: Promise<boolean | undefined>; readonly until: number }
  #version?: string

  constructor(config: VaultConfig, host: Host, vault: Vault, now: () => number) {
    this.config = config
    this.host = host
    this.settings = {
      userpassMount: config.userpassMount,
      policyPrefix: config.policyPrefix,
      policyName: config.policyName,
      policies: config.policies,
      kvMounts: config.kvMounts,
      transitMounts: config.transitMounts,
      databaseMounts: config.databaseMounts,
      certificatePaths: config.capabilities.includes('read-certificates') ? config.certificatePaths : [],
      pkiRoles: config.capabilities.includes('issue-certificates') ? config.pkiRoles : [],
      address: config.address,
      namespace: config.namespace,
      wrapTtlSeconds: config.wrapTtlSeconds,
    }
    this.#vault = vault
    this.#first = { settings: this.settings, call: (call) => this.call({ ...call, rank: 'ending' }) }
    this.#now = now
    this.session = {
      token: (signal) => inBrokersWords(vault.session.token(signal)),
      keepAlive: (signal) => inBrokersWords(vault.session.keepAlive(signal)),
      lookAgain: () => inBrokersWords(vault.session.lookAgain()),
      foundNewRights: (signal) => inBrokersWords(vault.session.foundNewRights(signal)),
      usesOfAToken: () => vault.session.usesOfAToken(),
      status: () => vault.session.status(),
    }
  }

  call(call: VaultCall): Promise<VaultAnswer> {
    return inBrokersWords(this.#vault.call(call))
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

  /** Told by the call that read it; another version makes the next question about features ask the server. */
  sawVersion(version: string): void {
    if (this.#features && this.#version !== undefined && this.#version !== version)
      this.#features = { ...this.#features, until: 0 }
    this.#version = version
  }

  async close(): Promise<void> {
    try {
      await inBrokersWords(this.#vault.close())
    } catch (error) {
      if (!isBrokerError(error)) throw error
      this.host.log('warn', 'the broker’s own token could not be revoked; it ends by itself', { code: error.code })
    }
  }

  async #probe(): Promise<VaultFeatures> {
    const found = await probeFeatures(this.#first)
    this.#features = { found, until: this.#now() + FEATURES_LAST_MS }
    return found
  }
}

export function isPlainHttp(address: string): boolean {
  return new URL(address).protocol === 'http:'
}

function refusePlainHttp(config: VaultConfig, host: Host): void {
  const { hostname } = new URL(config.address)
  const loopback = hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
  if (!isPlainHttp(config.address) || loopback || host.insecureDevelopment) return
  throw new BrokerError('input.invalid', 'plain http would send the broker’s token in the clear', {
    field: 'config.address',
    fix: 'use https; plain http is for a loopback address only',
  })
}

async function caIn(file: string, address: string, host: Host): Promise<string> {
  const text = await pemIn(file, address, host)
  if (text !== undefined) return text
  throw new BrokerError('input.invalid', `the CA file ${file} may not be used for this address, or cannot be read`, {
    field: 'config.caFile',
    fix: 'give the certificate as text, or allow the file for this address in the daemon’s LATCHKEY_INTEGRATION_FILES; the daemon’s log says what else is wrong',
  })
}

async function pemIn(file: string, address: string, host: Host): Promise<string | undefined> {
  const text = await host.file(file, [address])
  if (text === undefined || isPem(text)) return text
  host.log('warn', 'a CA file holds no PEM certificate', { file })
  return undefined
}
