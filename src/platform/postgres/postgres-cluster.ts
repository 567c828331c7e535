import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { BrokerError } from '../../sdk/index.ts'
import type { OsUser } from './os-user.ts'
import { give } from './postgres-folder.ts'

export const DATABASE = 'latchkey'
const DRAFT = 'cluster.new-'

export interface Cluster {
  readonly data: string
  /** of the superuser, who is called like the database */
  readonly password: string
}

/** The cluster and its password come into being in one rename, so that one left half-made is never taken for whole. */
export async function ensureCluster(home: string, bin: string, user: OsUser, fsync: boolean): Promise<Cluster> {
  const cluster = path.join(home, 'cluster')
  if (!existsSync(cluster)) {
    await sweepDrafts(home)
    const draft = await mkdtemp(path.join(home, DRAFT))
    const passwordFile = path.join(draft, 'password')
    await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 })
    for (const place of [draft, passwordFile]) await give(place, user)
    await initdb(bin, path.join(draft, 'data'), passwordFile, user, fsync)
    await rename(draft, cluster)
  }
  return { data: path.join(cluster, 'data'), password: await readFile(path.join(cluster, 'password'), 'utf8') }
}

// Each try has a name of its own: the initdb of a daemon that was killed lives on for a moment, and may still be writing to its draft.
async function sweepDrafts(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    if (name.startsWith(DRAFT)) await rm(path.join(home, name), { recursive: true, force: true, maxRetries: 10 })
  }
}

async function initdb(bin: string, data: string, passwordFile: string, user: OsUser, fsync: boolean): Promise<void> {
  // The builtin collation does not change with the system's C library, which would silently corrupt indexes.
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  const access = [`--username=${DATABASE}`, '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
  const sync = fsync ? [] : ['--no-sync']
  try {
    await promisify(execFile)(path.join(bin, 'initdb'), [`--pgdata=${data}`, ...access, ...locale, ...sync], surroundings(user))
  } catch (cause) {
    const { stderr, message } = cause as Error & { stderr?: string }
    throw new BrokerError('unavailable', `initdb could not make a database: ${lastLines(stderr || message)}`, { cause })
  }
}

// The daemon's environment holds secrets, and its working folder may be closed to that user.
export function surroundings(user: OsUser) {
  const { PATH } = process.env
  return { ...user, cwd: '/', env: { PATH, LC_ALL: 'C', TZ: 'UTC' } }
}

export function lastLines(text: string): string {
  return text.trim().split('\n').slice(-20).join('\n')
}
