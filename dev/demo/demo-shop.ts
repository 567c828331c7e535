import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/postgres/embedded-postgres.ts'
import { removeState } from './demo-daemon.ts'

/** Who may log in at the shop's database. */
export interface DatabaseUser {
  readonly username: string
  readonly password: string
}

/** The user of a static role of Vault's database engine, and the one as which the engine itself reaches the database. */
export const ORDERS: DatabaseUser = { username: 'orders', password: 'tansy' }
export const ENGINE: DatabaseUser = { username: 'engine', password: randomBytes(12).toString('hex') }
/** The user whose password the shop's application finds in the KV store. */
export const SHOP: DatabaseUser = { username: 'shop', password: 'aster' }

/** A database of the company's, and an application that is asked whether it still gets in. */
export class DemoShop {
  /** what the application is asked with in a rotation's test */
  readonly asked: number[] = []

  private constructor(
    private readonly dir: string,
    private readonly postgres: EmbeddedPostgres,
    private readonly application: Server,
  ) {}

  static async start(): Promise<DemoShop> {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'latchkey-shop-'))
    await chmod(dir, 0o711) // as for the broker's own
    const postgres = await startEmbeddedPostgres({ dir, fsync: false })
    const application = createServer()
    const shop = new DemoShop(dir, postgres, application)
    try {
      await shop.settle()
      application.listen(0, '127.0.0.1')
      await once(application, 'listening')
      return shop
    } catch (error) {
      await shop.stop()
      throw error
    }
  }

  /** as a server's database engine is told it, with a place for who it logs in as */
  get connectionUrl(): string {
    const { searchParams, pathname } = this.place
    return `postgresql://{{username}}:{{password}}@${pathname}?${searchParams.toString()}&sslmode=disable`
  }

  /** of the application */
  get url(): string {
    return `http://127.0.0.1:${(this.application.address() as AddressInfo).port}/rotated`
  }

  /** What the application logs in with, whenever it is asked. */
  logsInWith(find: () => Promise<DatabaseUser>): void {
    this.application.removeAllListeners('request').on('request', (_, response) => {
      void this.answer(find).then((status) => {
        this.asked.push(status)
        response.writeHead(status).end()
      })
    })
  }

  private async answer(find: () => Promise<DatabaseUser>): Promise<number> {
    try {
      return (await this.logsIn(await find())) ? 204 : 503
    } catch {
      return 500 // Vault or the database did not answer: that is no answer to the question
    }
  }

  /** Whether PostgreSQL itself lets them in. */
  async logsIn({ username, password }: DatabaseUser): Promise<boolean> {
    const { host, port, database } = new pg.Client({ connectionString: this.postgres.url })
    const client = new pg.Client({ host, port, database, user: username, password })
    try {
      await client.connect()
      return true
    } catch (error) {
      if (error instanceof pg.DatabaseError && error.code === '28P01') return false // a wrong password
      throw error
    } finally {
      await client.end().catch(() => undefined)
    }
  }

  async stop(): Promise<void> {
    this.application.closeAllConnections()
    this.application.close()
    await this.postgres.stop()
    await removeState(this.dir)
  }

  private get place(): URL {
    const { host, port, database } = new pg.Client({ connectionString: this.postgres.url })
    const url = new URL(`socket:/${database}`)
    url.search = new URLSearchParams({ host, port: String(port) }).toString()
    return url
  }

  private async settle(): Promise<void> {
    const client = new pg.Client({ connectionString: this.postgres.url })
    await client.connect()
    try {
      await client.query(`create role ${ENGINE.username} superuser login password '${ENGINE.password}'`)
      for (const { username, password } of [ORDERS, SHOP])
        await client.query(`create role ${username} login password '${password}'`)
    } finally {
      await client.end()
    }
  }
}
