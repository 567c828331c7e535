import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import {
  type ClearedConfig,
  type PlacedSecret,
  putBackSecrets,
  takeOutSecrets,
} from '../../integrations/secrets/config-secrets.ts'
import { sorted } from '../../integrations/secrets/destination.ts'
import { issuesOf, wordsFor } from '../../platform/http/input-issues.ts'
import { InvalidInput } from '../../platform/http/input-pipe.ts'
import { row, rows, type Tx } from '../../platform/postgres/database.ts'
import type { Place, Sealer } from '../../platform/sealing/sealing.ts'
import { type AnyPlugin, BrokerError, type Distributes, type Json, parseJson, Secret } from '../../sdk/index.ts'

// biome-ignore lint/suspicious/noExplicitAny: the core knows neither logins nor locations
export type AnyDistribution = Distributes<any, any>

/** A login that several targets share, and where its secrets may be sent. */
export interface Credential {
  readonly id: string
  readonly name: string
  readonly plugin: string
  /** with a mark where secrets are */
  readonly login: Json
  readonly sealed: string | null
  readonly destinations: readonly Json[]
  readonly version: number
  readonly createdAt: Date
  readonly changedAt: Date
}

const COLUMNS = `c.id, c.name, c.plugin, c.login, c.sealed, c.destinations, c.version, c.created_at as "createdAt", c.changed_at as "changedAt"`

export function selectCredentials(tx: Tx, where: string, values: readonly unknown[]) {
  return rows<Credential & { targets: number }>(
    tx,
    `select ${COLUMNS}, (select count(*)::int from distribution_targets t where t.credential_id = c.id and t.removed_at is null) as targets
     from target_credentials c where c.removed_at is null and ${where}`,
    values,
  )
}

export async function findCredential(
  tx: Tx,
  id: string,
  lock?: 'for update' | 'for share',
): Promise<Credential & { targets: number }> {
  if (lock) await row(tx, `select 1 from target_credentials where id = $1 ${lock}`, [id])
  const [found] = await selectCredentials(tx, 'c.id = $1', [id])
  if (!found) throw new BrokerError('not_found', `there is no credential ${id}`)
  return found
}

/** What of a plugin distributes; throws for one that distributes nothing. */
export function distributionOf(plugin: AnyPlugin): AnyDistribution {
  if (plugin.distribution) return plugin.distribution
  throw new BrokerError('input.invalid', `${plugin.manifest.name} cannot distribute certificates`, {
    field: 'plugin',
    fix: 'choose a plugin that can (GET /api/catalog)',
  })
}

/** Reads what was typed by a schema of the plugin; every offending field at once, never its value. */
export async function readBy<T>(schema: z.ZodType<T>, typed: unknown, field: string): Promise<T> {
  const read = await schema.safeParseAsync(typed, { error: wordsFor })
  if (!read.success) throw new InvalidInput(issuesOf(read.error, [field]))
  return read.data
}

/** Of which kind a destination is stored and compared: with its fields in one order. */
export async function readDestinations(distribution: AnyDistribution, typed: readonly unknown[]): Promise<Json[]> {
  return Promise.all(
    typed.map(async (each, at) => sorted((await readBy(distribution.destination, each, `destinations.${at}`)) as Json)),
  )
}

/** Throws unless the credential may be sent there. */
export function mustReach({ name, destinations }: Pick<Credential, 'name' | 'destinations'>, destination: Json): void {
  const asked = sorted(destination)
  if (destinations.some((each) => isDeepStrictEqual(sorted(each), asked))) return
  throw new BrokerError('input.invalid', `the secrets of ${name} may not be sent to ${inWords(asked)}`, {
    field: 'credentialId',
    fix: 'choose a credential for that place, or add the place to this credential’s destinations and enter its secrets again',
  })
}

/** As its columns keep it. */
export function sealLogin(
  sealer: Sealer,
  distribution: AnyDistribution,
  credential: Pick<Credential, 'id' | 'plugin' | 'destinations'>,
  login: unknown,
): { login: Json; sealed: string | null } {
  const { clear, secrets } = takeOutSecrets(login)
  const cleared = JSON.parse(JSON.stringify(clear)) as Json
  if (secrets.length === 0) return { login: cleared, sealed: null }
  const text = JSON.stringify(secrets.map(([path, value]) => [path, value.reveal()]))
  return { login: cleared, sealed: sealer.seal(text, placeOf(distribution, { ...credential, login: cleared })) }
}

const placed = z.array(z.tuple([z.array(z.string()), z.string().transform((value) => new Secret(value))]))

/** They open only beside the destinations that they were given with. */
export function secretsOf(sealer: Sealer, distribution: AnyDistribution, credential: Credential): readonly PlacedSecret[] {
  if (credential.sealed === null) return []
  return placed.parse(parseJson(sealer.open(credential.sealed, placeOf(distribution, credential)).reveal()))
}

/** The login as it is typed in, secrets in clear: for the parser of a connection's configuration alone. */
export function typedLogin(sealer: Sealer, distribution: AnyDistribution, credential: Credential): unknown {
  const stored: ClearedConfig = { clear: credential.login, secrets: secretsOf(sealer, distribution, credential) }
  return putBackSecrets(stored)
}

export function placeOf(
  { credentialGoesTo }: AnyDistribution,
  { id, plugin, destinations, login }: Pick<Credential, 'id' | 'plugin' | 'destinations' | 'login'>,
): Place {
  const how = credentialGoesTo.map((field) => (login as { [field: string]: Json } | null)?.[field] ?? null)
  const where = destinations
    .map(sorted)
    .map((each) => JSON.stringify(each))
    .toSorted()
  const destination = createHash('sha256')
    .update(JSON.stringify([plugin, how, where]))
    .digest('hex')
  return { table: 'target_credentials', row: id, column: 'sealed', destination }
}

function inWords(destination: Json): string {
  if (typeof destination !== 'object' || destination === null || Array.isArray(destination)) return String(destination)
  const shown = Object.entries(destination).map(([field, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    return text.length > 100
      ? `${field} sha256:${createHash('sha256').update(text).digest('hex').slice(0, 16)}…`
      : `${field} ${text}`
  })
  return shown.join(', ')
}
