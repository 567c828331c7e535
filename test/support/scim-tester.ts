import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from '../../dev/vault/vault-build.ts'
import { withBuildLock } from '../../dev/vault/vault-build-lock.ts'

const run = promisify(execFile)
const TOOLS = path.resolve(import.meta.dirname, '../../tools/scim-tester')
const REQUIREMENTS = path.join(TOOLS, 'requirements.txt')

export interface Played {
  readonly status: string
  readonly title: string
  readonly about: string | null
  readonly reason: string | null
}

/** scim2-tester in a Python of its own, installed once; or why there is none here. */
export async function scimTester(): Promise<{ readonly python: string } | { readonly missing: string }> {
  const pins = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12)
  const parent = path.join(cacheFolder(process.env), 'scim-tester')
  const folder = path.join(parent, pins)
  const python = path.join(folder, 'bin', 'python')
  await mkdir(parent, { recursive: true })
  try {
    const waiting = () => process.stderr.write('another process installs scim2-tester: waiting for it\n')
    await withBuildLock(path.join(parent, 'install.lock'), waiting, () => install(folder))
    return { python }
  } catch (error) {
    return { missing: `scim2-tester could not be installed: ${String(error).trim().split('\n').at(-1)}` }
  }
}

export async function play(python: string, url: string, token: string): Promise<Played[]> {
  const env = { PATH: process.env['PATH'], SCIM_TOKEN: token }
  const { stdout } = await run(python, [path.join(TOOLS, 'play.py'), url], { env, maxBuffer: 1 << 26 })
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** A virtual environment cannot be moved, so what tells that it is whole comes last. */
async function install(folder: string): Promise<void> {
  const whole = path.join(folder, 'whole')
  if (existsSync(whole)) return
  await rm(folder, { recursive: true, force: true })
  await run('python3', ['-m', 'venv', folder])
  const pip = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--no-deps',
    '--only-binary=:all:',
    '--require-hashes',
  ]
  await run(path.join(folder, 'bin', 'python'), [...pip, '-r', REQUIREMENTS])
  await mkdir(`${whole}.new`)
  await rename(`${whole}.new`, whole)
}
