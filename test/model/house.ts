import pg from 'pg'
import { waitFor } from '../../dev/vault/vault-wait.ts'
import { Reconciler } from '../../src/grants/reconciler.ts'
import { type FreshDatabase, freshDatabase } from '../support/database.ts'
import type { Ground } from './ground.ts'
import { type Replica, startReplica } from './replica.ts'

const MINUTE_MS = 60_000

/** Daemons that come and go, at one database, in front of one ground: where stories are played one after another. */
export class House {
  private isClosed = false

  private constructor(
    readonly ground: Ground,
    readonly database: FreshDatabase,
    readonly client: pg.Client,
    private readonly pool: pg.Pool,
    private readonly key: Buffer,
    private readonly replicas: Replica[],
    private readonly adminToken: string,
  ) {}

  static async build(ground: Ground): Promise<House> {
    const database = await freshDatabase()
    const key = Buffer.alloc(32, 7)
    const first = await startReplica(database, key, ground.plugins)
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const pool = new pg.Pool({ connectionString: database.url, max: 3 })
    pool.on('error', () => {}) // the database is dropped below its feet
    return new House(ground, database, client, pool, key, [first], first.broker.adminToken)
  }

  /** One of the daemons that live. */
  broker(which = 0) {
    return this.replicas[which % this.replicas.length]!.broker
  }

  admin(which = 0) {
    return this.broker(which).api(this.adminToken)
  }

  get size(): number {
    return this.replicas.length
  }

  /** The first daemon dies at one of its next statements. */
  doom(statement: number, how: 'before' | 'reset'): void {
    this.replicas[0]?.doom(statement, how)
  }

  /** Nobody dies any more of what was foretold. */
  spare(): Promise<void> {
    for (const replica of this.replicas) replica.spare()
    return this.tend()
  }

  /** A daemon that died is carried out, and there is always somebody. */
  async tend(): Promise<void> {
    for (const replica of this.replicas.filter(({ isDead }) => isDead)) {
      this.replicas.splice(this.replicas.indexOf(replica), 1)
      await replica.crash()
    }
    if (this.replicas.length === 0) await this.add()
  }

  /** Nobody has in hand what is lost, and the daemons compare grants with the clock. */
  async loseWork(integrationId: string): Promise<void> {
    await this.client.query(
      `delete from due_work where shard = $1 and locked_by is null and lane in ('cut', 'clean', 'provision')`,
      [integrationId],
    )
    for (const { broker } of this.replicas) await broker.app.get(Reconciler).tick()
  }

  async add(): Promise<void> {
    this.replicas.push(await startReplica(this.database, this.key, this.ground.plugins))
  }

  async lose(how: 'stopped' | 'crashed'): Promise<void> {
    const replica = this.replicas.shift()
    await (how === 'stopped' ? replica?.stop() : replica?.crash())
  }

  /** The same database, over connections that last. */
  get books(): FreshDatabase {
    return { ...this.database, query: async (statement, values) => (await this.pool.query(statement, values)).rows }
  }

  /** Time passes: for the database everything that is to come comes so much nearer, at a moment at which nobody acts on a target. */
  async pass(integrationId: string, minutes: number, turn: (ms: number) => void): Promise<void> {
    const shift = `make_interval(mins => ${minutes})`
    await waitFor('a moment at which nothing is under way', async () => {
      await this.client.query('begin; lock table grants, due_work in exclusive mode')
      const busy = await this.client.query(
        `select 1 from due_work where locked_until > clock_timestamp() and lane in ('cut', 'clean', 'provision')`,
      )
      if (busy.rowCount !== 0) {
        await this.client.query('rollback')
        return false
      }
      await this.client.query(
        `update grants set begins_at = begins_at - ${shift}, expires_at = expires_at - ${shift}, target_until = target_until - ${shift}
         where integration_id = $1`,
        [integrationId],
      )
      await this.client.query(
        `update openings set opened_at = opened_at - ${shift} where grant_id in (select id from grants where integration_id = $1)`,
        [integrationId],
      )
      await this.client.query(`update access_requests set expires_at = expires_at - ${shift} where integration_id = $1`, [
        integrationId,
      ])
      await this.client.query(
        `update due_work set run_at = run_at - ${shift}, due_since = due_since - ${shift}, version = version + 1
         where shard = $1 or subject in (select id from access_requests where integration_id = $1)`,
        [integrationId],
      )
      turn(minutes * MINUTE_MS)
      await this.client.query(
        `select pg_notify('due_work', lane) from (values ('cut'), ('clean'), ('provision'), ('background')) as l (lane)`,
      )
      await this.client.query('commit')
      return true
    })
  }

  /** The moment comes at which those requests lapse, or the grants that came of them end. */
  async comeTo(requests: readonly string[]): Promise<void> {
    await this.client.query(
      `with ended as (
         update grants set expires_at = clock_timestamp(), target_until = clock_timestamp() where request_id = any($1) and state = 'active'),
       lapsed as (update access_requests set expires_at = clock_timestamp() where id = any($1) and state = 'pending'),
       due as (
         update due_work set run_at = clock_timestamp(), version = version + 1
         where (subject = any($1) and kind = 'request.lapse') or (kind = 'grant.end' and 'req_' || substr(subject, 5) = any($1))
         returning lane)
       select pg_notify('due_work', lane) from due`,
      [requests],
    )
  }

  async close(): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    await this.client.end()
    await this.pool.end()
    for (const replica of this.replicas) await replica.stop()
    await this.database.drop()
  }
}
