import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { Writable } from 'node:stream'
import type { DynamicModule, Type } from '@nestjs/common'
import type { NestExpressApplication } from '@nestjs/platform-express'
import { Agent } from 'undici'
import { createApp } from '../../src/app.ts'
import { type Config } from '../../src/config/config.ts'
import { readConfig } from '../../src/config/read-config.ts'
import { firstAdmin } from '../../src/identity/people/first-admin.ts'
import { Database } from '../../src/platform/postgres/database.ts'
import type { AnyPlugin } from '../../src/sdk/index.ts'
import { Api } from './api.ts'
import { type FreshDatabase, freshDatabase } from './database.ts'

export interface BrokerOptions {
  readonly config?: Partial<Config>
  /** a database to go on with; it outlives the broker */
  readonly database?: FreshDatabase
  /** of the owner of its tables, where it works as another role */
  readonly ownerUrl?: string
  /** the key of the broker that used the database before */
  readonly key?: Buffer
  readonly formerKeys?: readonly Buffer[]
  readonly nextKeys?: readonly Buffer[]
  /** instead of the broker's own */
  readonly plugins?: readonly AnyPlugin[]
  readonly modules?: readonly (DynamicModule | Type)[]
  /** the folder of a built portal; without it there is none */
  readonly portal?: string
}

/** Where the build that every run begins with puts it. */
export const BUILT_PORTAL = path.resolve(import.meta.dirname, '../../dist/portal')

export interface Broker {
  readonly app: NestExpressApplication
  readonly url: string
  readonly database: FreshDatabase
  readonly key: Buffer
  /** calls as the admin that every new broker has */
  readonly admin: Api
  readonly adminToken: string
  /** calls with a token, or without any */
  api(token?: string): Api
  /** everything logged so far */
  readonly log: readonly string[]
  close(): Promise<void>
}

/** The whole daemon in this process, on a database of its own and a free port of the loopback. */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const { key = randomBytes(32), plugins, modules = [], portal } = options
  const database = options.database ?? (await freshDatabase())
  const log: string[] = []
  const logTo = new Writable({
    write: (chunk, _encoding, done) => {
      log.push(String(chunk))
      done()
    },
  })
  const config = { ...readConfig({ LATCHKEY_PORT: '0', LATCHKEY_POOL_SIZE: '5' }), ...options.config }
  const state = {
    dir: config.stateDir,
    instance: config.instance ?? '4711081542',
    key,
    formerKeys: options.formerKeys,
    nextKeys: options.nextKeys,
  }
  const databaseUrl = database.url
  const app = await createApp({ config, databaseUrl, ownerUrl: options.ownerUrl, state, logTo, plugins, modules, portal })
  try {
    await app.listen(config.port, config.host)
  } catch (error) {
    await app.close()
    if (!options.database) await database.drop()
    throw error
  }
  const url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`
  const agent = new Agent({ allowH2: false })
  const adminToken = (
    await app.get(Database).transaction((tx) => firstAdmin(tx, { name: `admin ${randomBytes(3).toString('hex')}`, force: true }))
  ).reveal()
  const api = (token?: string) => new Api(url, agent, token)
  return {
    app,
    url,
    database,
    key,
    admin: api(adminToken),
    adminToken,
    api,
    log,
    close: async () => {
      await agent.destroy()
      await app.close()
      if (!options.database) await database.drop()
    },
  }
}
