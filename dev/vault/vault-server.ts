import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { BrokerError } from '../../src/sdk/errors.ts'
import { freePort } from './free-port.ts'
import { type VaultApi, vaultApi } from './vault-api.ts'
import { type Product, type ServerBinary, vaultBinary } from './vault-binary.ts'
import { makeCertificate } from './vault-certificate.ts'
import { addressOf, files, type ServerPlan } from './vault-config.ts'
import { enableAudit, expectOk, initialise, type Keys } from './vault-initialise.ts'
import { complaints, endProcess, hasEnded, startProcess } from './vault-process.ts'
import { layTemplate } from './vault-template.ts'
import { waitFor } from './vault-wait.ts'

export interface VaultServerOptions {
  readonly binary?: ServerBinary
  /** `raft` unless given; `dev` keeps everything in memory and cannot restart */
  readonly mode?: 'raft' | 'dev'
  readonly tls?: boolean
  /** kept when the server stops, and taken up again by the next one; without it a temporary folder, removed at the end */
  readonly dir?: string
  readonly audit?: boolean
  /** without the look at the characters of a path that servers take unless they are set otherwise */
  readonly takesAnyName?: boolean
  readonly logLevel?: 'trace' | 'debug' | 'info' | 'warn' | 'error'
}

export interface VaultServer {
  readonly product: Product
  readonly version: string
  readonly address: string
  readonly caPem?: string
  readonly rootToken: string
  readonly unsealKey: string
  readonly auditFile: string
  readonly pid: number
  /** as root, unless another `x-vault-token` is among the headers */
  readonly api: VaultApi
  seal(): Promise<void>
  /** returns when the server is active again */
  unseal(): Promise<void>
  pause(): void
  resume(): void
  /** returns when the process has ended */
  kill(signal: NodeJS.Signals): Promise<void>
  /** the same address and data, whether or not the process still ran; returns when it is active */
  restart(): Promise<void>
  stop(): Promise<void>
  /** every whole line of the audit file so far */
  auditLines(): Promise<AuditLine[]>
}

// biome-ignore lint/suspicious/noExplicitAny: the audit device's JSON, different for each kind of entry
export type AuditLine = Record<string, any>

/** A real server on loopback: initialised, unsealed, active, its audit device on. It dies when this process does. */
export async function startVaultServer(options: VaultServerOptions = {}): Promise<VaultServer> {
  const binary = options.binary ?? (await vaultBinary())
  const folder = options.dir ? path.resolve(options.dir) : await mkdtemp(path.join(os.tmpdir(), 'latchkey-vault-'))
  const removed = options.dir ? undefined : folder
  try {
    if (removed && options.mode !== 'dev') {
      await layTemplate(binary, folder, async (draft) => {
        const server = await startIn(draft, binary, { audit: false }, draft)
        await server.kill('SIGTERM')
      })
    }
    return await startIn(folder, binary, options, removed)
  } catch (error) {
    if (removed) await rm(removed, { recursive: true, force: true })
    throw error
  }
}

async function startIn(
  folder: string,
  binary: ServerBinary,
  options: VaultServerOptions,
  removed?: string,
): Promise<VaultServer> {
  const at = files(folder)
  await mkdir(at.data, { recursive: true })
  const { tls = false, audit = true, mode = 'raft', logLevel = 'warn', takesAnyName = false } = options
  const caPem = tls ? await certificate(binary, folder) : undefined
  let keys: Keys | undefined

  // Another process may take the port between our look and the server's bind; then a restart cannot go on, but a start can.
  async function launch(port: number): Promise<{ plan: ServerPlan; api: VaultApi; running: ChildProcess } | undefined> {
    const plan: ServerPlan = { product: binary.product, mode, folder, port, tls, audit, takesAnyName }
    const api = vaultApi(addressOf(plan), caPem, () => keys?.rootToken)
    const running = await startProcess(binary, plan, logLevel, removed)
    return running && { plan, api, running }
  }
  const { plan, api, running } = await waitFor('a free port', async () => launch(await freePort()))
  let server = running

  const unseal = async () => {
    expectOk(await api('PUT', 'sys/unseal', { key: keys?.unsealKey }), 'unseal')
    await waitFor('the server to be active', async () => {
      if (hasEnded(server)) throw new BrokerError('unavailable', `the server ended while it was unsealed: ${complaints(folder)}`)
      return (await api('GET', 'sys/health')).status === 200
    })
  }

  try {
    keys = await initialise(api, at.keys)
    await unseal()
    if (audit && binary.product === 'vault') await enableAudit(api, at.audit)
  } catch (error) {
    await endProcess(server, 'SIGKILL')
    throw error
  }

  return {
    product: binary.product,
    version: binary.version,
    address: addressOf(plan),
    caPem,
    ...keys,
    auditFile: at.audit,
    get pid() {
      return server.pid ?? 0
    },
    api,
    async seal() {
      expectOk(await api('PUT', 'sys/seal'), 'seal')
      await waitFor('the seal', async () => (await api('GET', 'sys/seal-status')).body.sealed === true)
    },
    unseal,
    pause: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    kill: (signal) => endProcess(server, signal),
    async restart() {
      if (mode === 'dev') throw new TypeError('a server in memory has nothing to restart with')
      await endProcess(server, 'SIGKILL') // its orderly end takes a second and would keep no more
      server = (await waitFor('its port to be free again', () => launch(plan.port))).running
      await unseal()
    },
    async stop() {
      await endProcess(server, removed ? 'SIGKILL' : 'SIGTERM')
      if (removed) await rm(removed, { recursive: true, force: true })
    },
    async auditLines() {
      const text = await readFile(at.audit, 'utf8').catch(() => '')
      return text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as AuditLine)
    },
  }
}

async function certificate(binary: ServerBinary, folder: string): Promise<string> {
  const { ca } = files(folder)
  return existsSync(ca) ? readFile(ca, 'utf8') : makeCertificate(binary, folder)
}
