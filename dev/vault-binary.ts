import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { BrokerError } from '../src/sdk/errors.ts'
import { type BuildOptions, buildVault, builtVault, canBuild } from './vault-build.ts'

const run = promisify(execFile)

export type Product = 'vault' | 'openbao'

export interface ServerBinary {
  readonly product: Product
  readonly version: string
  readonly path: string
}

/** One server of each product that is here, in the order of search; builds nothing. */
export async function findServers(env: NodeJS.ProcessEnv = process.env): Promise<ServerBinary[]> {
  const candidates = [
    await named('VAULT_BIN', env),
    await identify(onPath('vault', env)),
    await identify(builtVault(env)),
    await named('BAO_BIN', env),
    await identify(onPath('bao', env)),
  ].filter((server) => server !== undefined)
  return candidates.filter((server, i) => candidates.findIndex((other) => other.product === server.product) === i)
}

/** The server to start: the first that is found, or a Vault built once. */
export async function vaultBinary(options: BuildOptions = {}): Promise<ServerBinary> {
  const [found] = await findServers(options.env)
  return found ?? (await build(options))
}

/** The servers a suite runs on: every product that is here, and a Vault built once where Go can; says what it leaves out. */
export async function serversUnderTest(options: BuildOptions = {}): Promise<ServerBinary[]> {
  const found = await findServers(options.env)
  const has = (product: Product) => found.some((server) => server.product === product)
  const servers =
    !has('vault') && (found.length === 0 || (await canBuild(options.env))) ? [await build(options), ...found] : found
  for (const [product, remedy] of [['vault', 'set VAULT_BIN or install Go 1.26'] as const, ['openbao', 'set BAO_BIN'] as const]) {
    if (!servers.some((server) => server.product === product)) console.warn(`SKIPPED on ${product}: none was found (${remedy})`)
  }
  return servers
}

async function build(options: BuildOptions): Promise<ServerBinary> {
  if (!(await canBuild(options.env))) {
    throw new BrokerError(
      'unavailable',
      'there is no Vault or OpenBao to start: set VAULT_BIN or BAO_BIN to one, put vault or bao on PATH, or install Go 1.26 or later, with which Vault is built once',
    )
  }
  const built = await identify(await buildVault(options))
  if (!built) throw new BrokerError('unavailable', 'the Vault that was just built is gone', { fix: 'try again' })
  return built
}

// A server named by hand that is none stops us: to take another one silently would be worse.
async function named(variable: 'VAULT_BIN' | 'BAO_BIN', env: NodeJS.ProcessEnv): Promise<ServerBinary | undefined> {
  const place = env[variable]
  if (!place) return undefined
  const server = await identify(path.resolve(place))
  if (server) return server
  throw new BrokerError('input.invalid', `${variable} is ${place}, which does not answer "-version" as Vault or OpenBao does`, {
    field: variable,
    fix: `point ${variable} at a server binary, or unset it`,
  })
}

async function identify(place: string | undefined): Promise<ServerBinary | undefined> {
  if (!place || !isExecutable(place)) return undefined
  const answer = await run(place, ['-version']).catch(() => undefined)
  const [, name, version] = /^(Vault|OpenBao) v([\w.+-]+)/.exec(answer?.stdout ?? '') ?? []
  return name && version ? { product: name === 'Vault' ? 'vault' : 'openbao', version, path: place } : undefined
}

function onPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const folders = (env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => path.join(folder, name)).find(isExecutable)
}

function isExecutable(place: string): boolean {
  try {
    accessSync(place, constants.X_OK)
    return true
  } catch {
    return false // not there, or not ours to start: the search goes on
  }
}
