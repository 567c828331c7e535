import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { BrokerError } from '../../sdk/index.ts'
import { type Database, row, rows } from '../postgres/database.ts'

/** What tells this installation from every other that shares a target with it. */
export class Installation {
  readonly version = readVersion()

  constructor(
    /** ten digits, in the name or the stamp of everything it creates */
    readonly instance: string,
    /** allows what must never be used in production */
    readonly development: boolean,
  ) {}
}

interface Origins {
  /** from LATCHKEY_INSTANCE */
  readonly demanded?: string
  /** from the state folder */
  readonly proposed: string
  readonly development: boolean
}

/** The database knows best: what was created in targets bears the number it holds. A new database takes the one it is given. */
export async function adoptInstallation(database: Database, { demanded, proposed, development }: Origins): Promise<Installation> {
  await rows(database.pool, 'insert into installation (instance) values ($1) on conflict do nothing', [demanded ?? proposed])
  const stored = await row<{ instance: string }>(database.pool, 'select instance from installation')
  if (!stored) throw new TypeError('the installation has no row')
  if (demanded !== undefined && demanded !== stored.instance) {
    throw new BrokerError('conflict', `LATCHKEY_INSTANCE is ${demanded}, but this database belongs to ${stored.instance}`, {
      fix: 'unset LATCHKEY_INSTANCE, or set DATABASE_URL to the database of that installation',
    })
  }
  return new Installation(stored.instance, development)
}

function readVersion(): string {
  const manifest = findPackageJSON(import.meta.url)
  return manifest === undefined ? 'unknown' : (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}
