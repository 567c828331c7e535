import { Injectable } from '@nestjs/common'
import { z } from 'zod'
import type { Page } from '../contract/common.ts'
import type { ResourceQuery, ResourceView } from '../contract/integrations.ts'
import { type CursorKind, Cursors } from '../platform/cursors.ts'
import { Database, row, rows } from '../platform/database.ts'
import { BrokerError } from '../sdk/index.ts'
import { escapeLike, globToRegex } from './glob.ts'

type Position = readonly [name: string, id: string]
const BY_NAME: CursorKind<Position> = { list: 'resources', position: z.tuple([z.string(), z.string()]) }

const SELECT = `select r.id, r.integration_id as "integrationId", i.name as "integrationName", r.type, r.name, r.tags, r.ungrantable
  from resources r join integrations i on i.id = r.integration_id`

/** What was discovered, for people who look for what to ask for. */
@Injectable()
export class Resources {
  constructor(
    private readonly database: Database,
    private readonly cursors: Cursors,
  ) {}

  async search(query: ResourceQuery): Promise<Page<ResourceView>> {
    const { where, values } = conditions(query, this.cursors.read(BY_NAME, query.cursor))
    const found = await rows<ResourceView>(
      this.database.pool,
      `${SELECT} where ${where.join(' and ')} order by r.name, r.id limit ${query.limit + 1}`,
      values,
    )
    return this.cursors.page(
      BY_NAME,
      found,
      query.limit,
      ({ name, id }) => [name, id] as const,
      (resource) => resource,
    )
  }

  async get(id: string): Promise<ResourceView> {
    const found = await row<ResourceView>(
      this.database.pool,
      `${SELECT} where r.id = $1 and r.gone_at is null and i.state <> 'removed'`,
      [id],
    )
    if (!found) throw new BrokerError('not_found', `there is no resource ${id}`)
    return found
  }
}

function conditions({ integration, type, q, path, tag, grantable }: ResourceQuery, after: Position | undefined) {
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
  return { where, values }
}
