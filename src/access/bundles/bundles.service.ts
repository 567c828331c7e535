import { Injectable } from '@nestjs/common'
import { record } from '../../audit/record.ts'
import type { BundleQuery, BundleView, NewBundle } from '../../contract/bundles.ts'
import type { Page } from '../../contract/lists.ts'
import type { Caller } from '../../identity/callers/caller.ts'
import { inSight, type Sight } from '../../integrations/resources/sight.ts'
import { Cursors } from '../../platform/http/cursors.ts'
import { newId } from '../../platform/ids.ts'
import { Database, rows, type Tx } from '../../platform/postgres/database.ts'
import { violates } from '../../platform/postgres/database-errors.ts'
import { BrokerError } from '../../sdk/index.ts'
import { byId } from '../cursor.ts'
import { Sights } from '../requests/sights.ts'

type BundleRow = Omit<BundleView, 'createdAt'> & { createdAt: Date }

const SELECT = `select b.id, b.name, b.description, b.integration_id as "integrationId", b.created_at as "createdAt",
  (select jsonb_agg(jsonb_build_object('resourceId', r.id, 'type', r.type, 'name', r.name, 'permissions', to_jsonb(i.permissions))
     order by r.name, r.id) from bundle_resources i join resources r on r.id = i.resource_id where i.bundle_id = b.id) as resources
  from bundles b`

/** Named sets of resources that people ask for together. What may be had of them is still the flows' to say. */
@Injectable()
export class Bundles {
  constructor(
    private readonly database: Database,
    private readonly cursors: Cursors,
    private readonly sights: Sights,
  ) {}

  async create(caller: Caller, bundle: NewBundle): Promise<BundleView> {
    const id = newId('bnd')
    try {
      await this.database.transaction(async (tx) => {
        const integrationId = await this.integrationOf(tx, bundle)
        await rows(tx, 'insert into bundles (id, name, description, integration_id, created_by) values ($1, $2, $3, $4, $5)', [
          id,
          bundle.name,
          bundle.description,
          integrationId,
          caller.id,
        ])
        await rows(
          tx,
          `insert into bundle_resources (bundle_id, resource_id, permissions)
           select $1, r."resourceId", r.permissions from jsonb_to_recordset($2::jsonb) as r ("resourceId" text, permissions text[])`,
          [id, JSON.stringify(bundle.resources)],
        )
        await record(tx, { kind: 'bundle.created', actor: caller.id, subject: id, data: { name: bundle.name } })
      })
    } catch (error) {
      if (!violates(error, 'bundles_name_taken')) throw error
      throw new BrokerError('name.taken', `another bundle has the name ${bundle.name}`, { field: 'name', cause: error })
    }
    return this.get(caller, id)
  }

  /** A bundle is shown to people who are shown everything in it. */
  async get(caller: Caller, id: string): Promise<BundleView> {
    const values: unknown[] = [id]
    const seen = wholeInSight(await this.sights.of(caller), values)
    const [found] = await rows<BundleRow>(this.database.pool, `${SELECT} where b.id = $1 and ${seen}`, values)
    if (!found) throw noSuchBundle(id)
    return view(found)
  }

  async list(caller: Caller, query: BundleQuery): Promise<Page<BundleView>> {
    const after = this.cursors.read(byId('bundles'), query.cursor)
    const values: unknown[] = [after ?? null, query.limit + 1]
    const seen = wholeInSight(await this.sights.of(caller), values)
    const found = await rows<BundleRow>(
      this.database.pool,
      `${SELECT} where ($1::text is null or b.id > $1) and ${seen} order by b.id limit $2`,
      values,
    )
    return this.cursors.page(byId('bundles'), found, query.limit, (bundle) => bundle.id, view)
  }

  async remove(caller: Caller, id: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const removed = await rows<{ name: string }>(tx, 'delete from bundles where id = $1 returning name', [id])
      if (!removed[0]) throw noSuchBundle(id)
      await record(tx, { kind: 'bundle.removed', actor: caller.id, subject: id, data: { name: removed[0].name } })
    })
  }

  private async integrationOf(tx: Tx, bundle: NewBundle): Promise<string> {
    const ids = bundle.resources.map((resource) => resource.resourceId)
    const twice = ids.findIndex((id, i) => ids.indexOf(id) !== i)
    if (twice >= 0) throw new BrokerError('input.invalid', 'is already in the bundle', { field: `resources.${twice}.resourceId` })
    const found = new Map(
      (
        await rows<{ id: string; integrationId: string }>(
          tx,
          'select id, integration_id as "integrationId" from resources where id = any($1)',
          [ids],
        )
      ).map((resource) => [resource.id, resource.integrationId]),
    )
    const [first] = ids
    for (const [i, id] of ids.entries()) {
      const integrationId = found.get(id)
      const field = `resources.${i}.resourceId`
      if (!integrationId)
        throw new BrokerError('input.invalid', `there is no resource ${id}`, { field, fix: 'search for it again' })
      if (integrationId !== found.get(first!)) {
        throw new BrokerError('input.invalid', 'belongs to a different integration than the first resource', {
          field,
          fix: 'make a bundle for each integration',
        })
      }
    }
    return found.get(first!)!
  }
}

/** SQL: whether all of the bundle `b` is. */
function wholeInSight(sight: Sight, values: unknown[]): string {
  const seen = inSight(sight, (value) => `$${values.push(value)}`)
  return `not exists (select from bundle_resources i join resources r on r.id = i.resource_id where i.bundle_id = b.id and not ${seen})`
}

const noSuchBundle = (id: string) => new BrokerError('not_found', `there is no bundle ${id}`)
const view = (found: BundleRow): BundleView => ({ ...found, createdAt: found.createdAt.toISOString() })
