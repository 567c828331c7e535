import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { BrokerError } from '../../src/sdk/errors.ts'
import { withBuildLock } from './vault-build-lock.ts'
import { spawnLeashed } from './vault-leash.ts'

const run = promisify(execFile)
// dev/ from the sources, dist/dev/ when compiled
const MODULE =
  ['../../tools/vault', '../../../tools/vault'].map((to) => path.resolve(import.meta.dirname, to)).find(existsSync) ?? '.'
const PACKAGE = 'github.com/hashicorp/vault'

export interface BuildOptions {
  readonly env?: NodeJS.ProcessEnv
  /** told where the build is, a line at a time; standard error unless given */
  readonly report?: (line: string) => void
  readonly reportEveryMs?: number
}

/** The version that tools/vault pins. */
export function pinnedVersion(): string {
  const version = /^\s*github\.com\/hashicorp\/vault v(\S+)/m.exec(readFileSync(path.join(MODULE, 'go.mod'), 'utf8'))?.[1]
  if (!version) throw new TypeError(`${MODULE}/go.mod does not require ${PACKAGE}`)
  return version
}

/** Where Latchkey keeps what it can make again. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const caches = process.platform === 'darwin' ? path.join(os.homedir(), 'Library', 'Caches') : path.join(os.homedir(), '.cache')
  return path.resolve(env['LATCHKEY_CACHE'] || path.join(env['XDG_CACHE_HOME'] || caches, 'latchkey'))
}

/** Where a built server is kept, whether or not it is there. */
export function builtVault(env: NodeJS.ProcessEnv = process.env): string {
  return path.join(cacheFolder(env), 'vault', pinnedVersion(), 'vault')
}

/** Whether the `go` on PATH is new enough for tools/vault, or fetches itself a toolchain that is. */
export async function canBuild(env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  const answer = await run('go', ['version'], { cwd: MODULE, env }).catch(() => undefined)
  const [, major = 0, minor = 0] = /go(\d+)\.(\d+)/.exec(answer?.stdout ?? '') ?? []
  return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 26)
}

/**
 * Builds the pinned Vault into the cache and says where it is. A second process waits for the first and takes what it built. The binary
 * gets its name only when it is whole and has answered, so nobody ever starts half of one.
 */
export async function buildVault(options: BuildOptions = {}): Promise<string> {
  const env = options.env ?? process.env
  const report = options.report ?? ((line: string) => void process.stderr.write(`${line}\n`))
  const binary = builtVault(env)
  const folder = path.dirname(binary)
  await mkdir(folder, { recursive: true })
  const waiting = () => report(`another process builds HashiCorp Vault ${pinnedVersion()}: waiting for it`)
  await withBuildLock(path.join(folder, 'build.lock'), waiting, async () => {
    if (existsSync(binary)) return
    await removeWork(folder) // what a killed build left
    const work = await mkdtemp(path.join(folder, 'building-'))
    try {
      await compile(work, env, report, options.reportEveryMs ?? 15_000)
      await rename(path.join(work, 'vault'), binary)
    } finally {
      await removeWork(folder)
    }
  })
  return binary
}

async function compile(work: string, env: NodeJS.ProcessEnv, report: (line: string) => void, everyMs: number): Promise<void> {
  const what = `HashiCorp Vault ${pinnedVersion()}`
  report(`building ${what}, once, about ten minutes on two cores; it takes 8 GB of disk meanwhile and 0.4 GB afterwards`)
  const output = path.join(work, 'vault')
  const go = spawnLeashed('go', ['build', '-v', '-trimpath', '-ldflags', '-s -w', '-o', output, PACKAGE], {
    cwd: MODULE,
    env: {
      ...env,
      CGO_ENABLED: '0',
      GOMODCACHE: path.join(work, 'modules'),
      GOCACHE: path.join(work, 'objects'),
      GOTMPDIR: work,
      GOWORK: 'off',
      GOFLAGS: `${env['GOFLAGS'] ?? ''} -modcacherw`.trim(),
    },
    output: 'pipe',
  })
  let said = ''
  for (const stream of [go.stdout, go.stderr])
    stream?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)))
  const began = performance.now()
  const timer = setInterval(() => {
    const now = said.trimEnd().split('\n').at(-1)
    report(
      `building ${what}, once, about ten minutes on two cores: ${inWords(performance.now() - began)} so far (${now || 'starting'})`,
    )
  }, everyMs)
  const code = await new Promise<number | null>((resolve) => go.once('close', resolve)).finally(() => clearInterval(timer))
  if (code !== 0)
    throw unbuilt(`go build of ${what} ended with ${code ?? go.signalCode}: ${said.trim().split('\n').slice(-5).join('\n')}`)
  const { stdout } = await run(output, ['-version']).catch((cause) => {
    throw unbuilt(`${what} was built but does not start`, cause)
  })
  if (!stdout.includes(`v${pinnedVersion()}`)) throw unbuilt(`the build of ${what} says of itself "${stdout.trim()}"`)
  report(`built ${what} in ${inWords(performance.now() - began)}`)
}

function unbuilt(message: string, cause?: unknown): BrokerError {
  return new BrokerError('unavailable', message, {
    cause,
    fix: 'set VAULT_BIN to a Vault you have, or free 8 GB of disk and try again',
  })
}

async function removeWork(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith('building-')) continue
    await run('chmod', ['-R', 'u+w', path.join(folder, name)]) // Go keeps a fetched toolchain read-only
    await rm(path.join(folder, name), { recursive: true, force: true })
  }
}

function inWords(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.floor(ms / 60_000)} min`
}
