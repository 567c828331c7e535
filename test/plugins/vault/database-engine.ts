import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import type { VaultApi } from '../../../dev/vault/vault-api.ts'
import type { ServerBinary } from '../../../dev/vault/vault-binary.ts'
import { within } from '../../support/database.ts'
import { startRelay } from '../../support/relay.ts'
import { type VaultWorld, vaultWorld } from './vault-world.ts'

/** A server's database engine on a real PostgreSQL: with a static role `app`, a dynamic role `day` and a user of its own. */
export interface DatabaseEngine {
  /** the user of the static role, who existed before */
  readonly appUser: string
  /** the user as which the engine reaches the database, and the password it was configured with */
  readonly engine: { readonly user: string; readonly password: string }
  /** whether PostgreSQL itself lets them in */
  logsIn(user: string, password: string): Promise<boolean>
  /** whether the server can reach the database */
  reach(is: boolean): void
  /** while the server still lives */
  remove(): Promise<void>
}

export type DatabaseWorld = VaultWorld & Omit<DatabaseEngine, 'remove'>

export async function databaseWorld(binary: ServerBinary): Promise<DatabaseWorld> {
  const world = await vaultWorld({ capabilities: ['discovery', 'grants', 'rotate-database'] }, binary)
  const { remove, ...engine } = await databaseEngine(world.api)
  return {
    ...world,
    ...engine,
    async stop() {
      await remove()
      await world.stop()
    },
  }
}

export async function databaseEngine(api: VaultApi): Promise<DatabaseEngine> {
  const postgres = inject('databaseUrl')
  const mark = randomBytes(4).toString('hex')
  const [appUser, engine] = [`app_${mark}`, { user: `engine_${mark}`, password: `canary${mark}` }]
  await within(postgres, async (client) => {
    await client.query(`create role ${engine.user} superuser login password '${engine.password}'`)
    await client.query(`create role ${appUser} login password 'before-${mark}'`)
  })
  const loopback = await startRelay(addressOf(postgres))
  const must = async (path: string, body: object) => {
    const answer = await api('POST', path, body)
    if (answer.status >= 300) throw new Error(`POST ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  }
  await must('sys/mounts/database', { type: 'database' })
  await must('database/config/main', {
    plugin_name: 'postgresql-database-plugin',
    connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${loopback.port}/postgres?sslmode=disable`,
    username: engine.user,
    password: engine.password,
    allowed_roles: ['app', 'day'],
  })
  await must('database/static-roles/app', { db_name: 'main', username: appUser, rotation_period: '24h' })
  await must('database/roles/day', {
    db_name: 'main',
    creation_statements: [`create role "{{name}}" login password '{{password}}' valid until '{{expiration}}'`],
    default_ttl: '1h',
  })
  return {
    appUser,
    engine,
    reach: (is) => loopback.leadTo(is ? addressOf(postgres) : undefined),
    async logsIn(user, password) {
      const client = new pg.Client({ host: '127.0.0.1', port: loopback.port, database: 'postgres', user, password })
      try {
        await client.connect()
        return true
      } catch (error) {
        // Wrong password; anything else is no answer to the question.
        if (error instanceof pg.DatabaseError && error.code === '28P01') return false
        throw error
      } finally {
        await client.end().catch(() => undefined)
      }
    },
    async remove() {
      loopback.leadTo(addressOf(postgres))
      await api('POST', 'sys/leases/revoke-prefix/database/creds')
      await api('DELETE', 'sys/mounts/database')
      await within(postgres, (client) => client.query(`drop role ${appUser}; drop role ${engine.user}`))
      await loopback.close()
    },
  }
}

/** The tests' PostgreSQL may have no port of its own, but a socket. */
export function addressOf(url: string): string {
  const { host, port } = new pg.Client({ connectionString: url })
  return host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : `tcp://${host}:${port}`
}
