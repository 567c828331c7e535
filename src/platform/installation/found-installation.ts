import { existsSync } from 'node:fs'
import { readlink } from 'node:fs/promises'
import path from 'node:path'
import { BrokerError } from '../../sdk/index.ts'
import { row, type Tx } from '../postgres/database.ts'

/** Refuses a folder in which no daemon ever made a database: a caller who only looks must not make one. */
export async function mustHoldCluster(dir: string): Promise<void> {
  const elsewhere = await readlink(path.join(dir, 'elsewhere')).catch(() => dir)
  if ([dir, elsewhere].some((home) => existsSync(path.join(home, 'cluster')))) return
  throw noInstallation(`in ${dir}`, 'set LATCHKEY_STATE_DIR to the daemon’s folder, or DATABASE_URL to its database')
}

/** The number of the installation whose database this is; refuses one that no daemon has prepared. */
export async function installationIn(tx: Tx, place: string): Promise<string> {
  const found = await row<{ instance: string }>(tx, 'select instance from installation').catch((error: unknown) => {
    if (isMissingTable(error)) return undefined
    throw error
  })
  if (found) return found.instance
  throw noInstallation(`in ${place}`, 'check that DATABASE_URL is the daemon’s database')
}

function isMissingTable(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === '42P01'
}

function noInstallation(where: string, fix: string): BrokerError {
  return new BrokerError('not_found', `there is no installation of the broker ${where}`, {
    fix: `${fix}; the daemon makes an installation when it first starts`,
  })
}
