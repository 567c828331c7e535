import { Inject, Injectable } from '@nestjs/common'
import { z } from 'zod'
import type { Config } from '../../config/config.ts'
import type { ResourceQuery, ResourceView } from '../../contract/integrations.ts'
import type { Page } from '../../contract/lists.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import { type CursorKind, Cursors } from '../../platform/http/cursors.ts'
import { Turns } from '../../platform/pacing/turns.ts'
import { CONFIG } from '../../platform/platform.module.ts'
import { Database, row, rows, type Tx } from '../../platform/postgres/database.ts'
import { BrokerError } from '../../sdk/index.ts'
import { escapeLike, globToRegex } from './glob.ts'
import { inSight, type Sight } from './sight.ts'

const PATIENCE_MS = 3_000
/** of one person; they take nothing from others, but memory */
const WAITING = 250
/** SQLSTATE of a statement that took too long */
const QUERY_CANCELED = '57014'

type Position = readonly [name: string, id: string]
const BY_NAME: CursorKind<Position> = { list: 'resources', position: z.tuple([z.string(), z.string()]) }

const SELECT = `select r.id, r.integration_id as "integrationId", i.name as "integrationName", r.type, r.name, r.tags, r.ungrantable
  from resources r join integrations i on i.id = r.integration_id`

/** What was discovered, for people who look for what to ask for. */
@Injectable()
export class Resources {
  private readonly turns: Turns

  constructor(
    private readonly database: Database,
    private readonly cursors: Cursors,
    @Inject(CONFIG) { poolSize }: Config,
  ) {
    this.turns = new Turns({ atOnce: Math.max(1, Math.floor(poolSize / 3)), waiting: WAITING })
  }

  /** One at a time for each person, and for a short time only: however much somebody looks for, others are served. */
  async search({ id }: Pick<Caller, 'id'>, query: ResourceQuery, sight: Sight): Promise<Page<ResourceView>> {
    const { where, values } = conditions(query, sight, this.cursors.read(BY_NAME, query.cursor))
    const text = `${SELECT} where ${where.join(' and ')} order by r.name, r.id limit ${query.limit + 1}`
    const found = await this.turns.take(id, () => this.database.transaction((tx) => shortly(tx, query, text, values)))
    return this.cursors.page(
      BY_NAME,
      found,
      query.limit,
      ({ name, id }) => [name, id] as const,
      (resource) => resource,
    )
  }

  async get(id: string, sight: Sight): Promise<ResourceView> {
    const values: unknown[] = [id]
    const seen = inSight(sight, (value) => `$${values.push(value)}`)
    const found = await row<ResourceView>(
      this.database.pool,
      `${SELECT} where r.id = $1 and r.gone_at is null and i.state <> 'removed' and ${seen}`,
      values,
    )
    if (!found) throw new BrokerError('not_found', `there is no resource ${id}`)
    return found
  }
}

async function shortly(tx: Tx, query: ResourceQuery, text: string, values: readonly unknown[]): Promise<ResourceView[]> {
  await tx.query(`set local statement_timeout = ${PATIENCE_MS}`)
  try {
    return await rows<ResourceView>(tx, text, values)
  } catch (error) {
    const field = query.path === undefined ? 'q' : 'path'
    if ((error as { code?: string }).code !== QUERY_CANCELED) throw error
    throw new BrokerError('unavailable', `the search by ${field} took longer than ${PATIENCE_MS / 1000} seconds`, {
      cause: error,
      field,
      fix: 'give more of the name and fewer wildcards, and name the integration and the type',
    })
  }
}

function conditions({ integration, type, q, path, tag, grantable }: ResourceQuery, sight: Sight, after: Position | undefined) {
  const where = ['r.gone_at is null', `i.state <> 'removed'`]
  const values: unknown[] = []
  const and = (condition: (...placeholders: string[]) => string, ...given: readonly unknown[]) => {
    where.push(condition(...given.map((value) => `$${values.push(value)}`)))
  }
  if (after) and((name, id) => `(r.name, r.id) > (${name}, ${id})`, ...after)
  if (integration !== undefined) and((it) => `r.integration_id = ${it}`, integration)
  if (type !== undefined) and((it) => `r.type = ${it}`, type)
  if (q !== undefined) and((it) => `r.name ilike ${it}`, `%${escapeLike(q)}%`)
  if (path !== undefined) and((it) => `r.name ~ ${it}`, globToRegex(path))
  if (tag !== undefined) and((it) => `r.tags @> ${it}::jsonb`, JSON.stringify(tag))
  if (grantable !== undefined) where.push(`r.ungrantable is ${grantable === 'true' ? '' : 'not '}null`)
  where.push(inSight(sight, (value) => `$${values.push(value)}`))
  return { where, values }
}
